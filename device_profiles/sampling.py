"""What a site may ask of a channel's series: when a change counts, and when a value is doubted."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from telemetry.quantities import Seconds
from telemetry.settings import Settings

PERCENT = re.compile(r"([0-9.]+)\s*%")
"""A deadband in percent, as people write it."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Deadband(Settings):
    """How far a value may move from the last one sent and count as unchanged; the larger holds.

    Written `0.5` (in the channel's unit), `"1%"` (of the last value sent), or both as a mapping.
    """

    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    percent: Annotated[float, Field(ge=0, le=100)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _short(cls, entry: Any) -> Any:  # noqa: ANN401 - YAML can be anything
        match entry:
            case bool():
                return entry
            case int() | float():
                return {"absolute": entry}
            case str() if percent := PERCENT.fullmatch(entry.strip()):
                return {"percent": percent[1]}
            case _:
                return entry


class FlatTest(Settings):
    """A sensor that stands still: no value further than `within` from the others, `for` so long."""

    seconds: Annotated[Seconds, Field(gt=0, alias="for")]
    within: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Tests(Settings):
    """Streaming tests (after QARTOD); what fails one is kept and flagged `suspect`.

    Attributes:
        rate: fastest credible change, in the channel's unit a second.
        flat: the sensor is stuck.
        spike: how far one value may stick out from both its neighbours; the test holds each value
            back until the next one has come, so it costs one interval.
    """

    rate: Positive | None = None
    flat: FlatTest | None = None
    spike: Positive | None = None
