"""Which sample may move an alarm: by the frontier of its series, and by how late it arrives.

LIVE drives the machine. LATE belongs to history: it never raises, clears or pages. FUTURE waits in
quarantine and never moves the frontier, so one wrong clock blinds nothing. DUPLICATE and CONFLICT
say again what was heard.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from telemetry.sample import Value

MAX_SKEW = 60_000
"""Most ms that a sample may lie ahead of its arrival: clocks differ, but not by a minute."""

LIVE_WINDOW = 120_000
"""Oldest sample (ms before its arrival) that may move an alarm.

An agent sends on the live lane what is younger than 60 s; as much again is for its retries.
"""


class Timeliness(StrEnum):
    """What a sample is to the alarm of its series."""

    LIVE = "live"
    LATE = "late"
    FUTURE = "future"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """The same instant, another value: the first stands, and it is counted."""


class Frontier(NamedTuple):
    """How far a series has been heard.

    Attributes:
        at: event time of the latest word on it, a value or a flag.
        value: what it is known to be; None when the latest word was a flag.
        good_at: event time of the latest usable value; None when there was none.
    """

    at: int
    value: Value | None
    good_at: int | None


class Moment(NamedTuple):
    """When and how samples arrive.

    Attributes:
        at: the collector's time (ms).
        live: whether they came on the live lane.
        again: whether their envelope was watched before.
    """

    at: int
    live: bool
    again: bool


def is_future(at: int, moment: Moment) -> bool:
    """Whether a sample of that time comes from a clock that cannot be right."""
    return at > moment.at + MAX_SKEW


def is_old(at: int, moment: Moment) -> bool:
    """Whether a sample of that time is history already."""
    return not moment.live or at < moment.at - LIVE_WINDOW


def classify(at: int, value: Value | None, frontier: Frontier | None, moment: Moment) -> Timeliness:
    """What a word on a series, of event time `at`, is to its alarm; None stands for a flag."""
    if is_future(at, moment):
        return Timeliness.FUTURE
    if frontier is None or at > frontier.at:
        if not is_old(at, moment):
            return Timeliness.LIVE
    elif at == frontier.at:
        same = type(value) is type(frontier.value) and value == frontier.value
        return Timeliness.DUPLICATE if same else Timeliness.CONFLICT
    return Timeliness.DUPLICATE if moment.again else Timeliness.LATE
