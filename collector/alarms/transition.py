"""What is written into the journal of alarms: transitions of occurrences, append-only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from telemetry.sample import Value


class Series(NamedTuple):
    """One channel of one device, as alarms know it."""

    agent: str
    device: str
    channel: str


class Kind(StrEnum):
    """What became of an occurrence."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    SUPERSEDED = "superseded"
    """It had returned, and the alarm was raised anew before anybody acknowledged it."""
    WITHDRAWN = "withdrawn"
    """Its rule is gone, or watches another series now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A step of an occurrence.

    Attributes:
        at: event time (ms); of an acknowledgement, when it was given.
        detected_at: when the collector knew (ms).
        value: what the series read when it was found out; None if no reading caused it.
        who: who acknowledged, else empty.
        comment: what they said, or why a rule's alarm was withdrawn.
    """

    at: int
    detected_at: int
    kind: Kind
    rule: str
    revision: int
    series: Series
    occurrence: str
    value: Value | None = None
    who: str = ""
    comment: str = ""


def occurrence_id(rule: str, series: Series, active_at: int) -> str:
    """The id of an occurrence: the same for whoever works it out again."""
    text = "\n".join((rule, *series, str(active_at)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
