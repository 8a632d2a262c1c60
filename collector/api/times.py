"""Times as the API spells them: ISO 8601 with an offset, answered in UTC; durations as `1h`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from telemetry import quantities

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def spell(at: int) -> str:
    """`at` (ms since the epoch) as `2026-11-22T06:00:00.000Z`."""
    moment = EPOCH + at * MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: object) -> object:
    """The ms since the epoch that `text` spells.

    Raises:
        ValueError: if it is no time, or does not say its offset.
    """
    if not isinstance(text, str):
        return text
    try:
        # An unescaped + in a URL arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time such as 2026-11-22T13:00:00+07:00") from error
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} needs an offset: 2026-11-22T13:00:00+07:00, or Z for UTC")
    return (moment - EPOCH) // MILLISECOND


def parse_duration(text: object) -> object:
    """The ms in `1h`, `15min`.

    Raises:
        ValueError: if it is no duration, or none at all.
    """
    seconds = quantities.seconds(text)
    if not isinstance(seconds, float) or seconds <= 0:
        raise ValueError("should be a duration such as 15min or 1h")
    return round(seconds * 1000)


Moment = Annotated[
    int,
    BeforeValidator(parse),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Field(examples=["2026-11-22T13:00:00+07:00"]),
]
"""A time in a request: ms since the epoch once it is parsed."""

Duration = Annotated[
    int, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "example": "1h"})
]
"""A duration in a request: ms once it is parsed."""
