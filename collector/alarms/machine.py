"""One alarm of one series: what a reading does to its condition and to its acknowledgement.

                 hit, on_delay 0                      clear, off_delay 0
        ┌───────────────────────────────┐     ┌──────────────────────────────┐
        │     hit         hit, whole    │     │     clear       clear, whole │
        │              on_delay passed  ▼     │              off_delay passed▼
      NORMAL ────► PENDING ─────────► ACTIVE ────► CLEARING ─────────────► NORMAL
        ▲             │                 ▲             │
        └─────────────┘                 └─────────────┘
         between, clear                  hit, between: the same occurrence

An unknown reading changes nothing: it is neither breach nor normal. All times are event time, so
an alarm is active from its first breach + on_delay, whenever that is found out. More than
`max_gap` without a reading breaks a delay: it starts again with the next one.
The acknowledgement is a region of its own: each occurrence starts unacknowledged, and is closed
when its condition is NORMAL and it is acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Condition(StrEnum):
    """Region 1: what the readings say."""

    NORMAL = "normal"
    PENDING = "pending"
    """A breach that has not lasted for the on-delay."""
    ACTIVE = "active"
    CLEARING = "clearing"
    """Active, and normal for less than the off-delay."""


class Side(StrEnum):
    """Where a reading lies: beyond the limit, inside the deadband, clear of it, or nowhere."""

    HIT = "hit"
    BETWEEN = "between"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Event(StrEnum):
    """What a step found."""

    RAISED = "raised"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a breach must last to be an alarm, and a normal value to end it; all in ms."""

    on: int = 0
    off: int = 0
    max_gap: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """An alarm's state; the default is that of an alarm that nobody needs to know of.

    Attributes:
        condition: region 1.
        since: the first breach while PENDING, the first clear reading while CLEARING (event, ms).
        active_at: when the occurrence became active (event, ms); None when there is none open.
        returned_at: when it returned to normal (event, ms).
        acked: region 2.
    """

    condition: Condition = Condition.NORMAL
    since: int = 0
    active_at: int | None = None
    returned_at: int | None = None
    acked: bool = False


class Reading(NamedTuple):
    """A reading at `at`; `last` is when the usable reading before it was (None: there was none)."""

    at: int
    side: Side
    last: int | None


def step(  # noqa: PLR0911 - a table: one return a row
    delays: Delays, state: State, reading: Reading
) -> tuple[State, Event | None]:
    """The state after a reading, and what happened."""
    at = reading.at
    match state.condition, reading.side:
        case _, Side.UNKNOWN:
            return state, None
        case Condition.NORMAL, Side.HIT:
            return _breached(delays, replace(state, since=at), at)
        case Condition.NORMAL, _:
            return state, None
        case Condition.PENDING, Side.HIT:
            return _breached(delays, _restarted_by_gap(delays, state, reading), at)
        case Condition.PENDING, _:
            return replace(state, condition=Condition.NORMAL, since=0), None
        case Condition.ACTIVE, Side.CLEAR:
            return _cleared(delays, replace(state, since=at), at)
        case Condition.ACTIVE, _:
            return state, None
        case Condition.CLEARING, Side.CLEAR:
            return _cleared(delays, _restarted_by_gap(delays, state, reading), at)
        case _:
            return replace(state, condition=Condition.ACTIVE, since=0), None


def acknowledge(state: State) -> State:
    """The state once somebody has taken note of its occurrence."""
    if state.condition in (Condition.NORMAL, Condition.PENDING):
        return State(state.condition, since=state.since)
    return replace(state, acked=True)


def close_if_normal(state: State) -> State:
    """The state of an alarm that needs no acknowledgement: closed once it has returned."""
    return State() if state.condition is Condition.NORMAL else state


def without_delay(state: State) -> State:
    """The state under a changed rule: a delay that ran under the old one does not count."""
    if state.condition is Condition.PENDING:
        return replace(state, condition=Condition.NORMAL, since=0)
    if state.condition is Condition.CLEARING:
        return replace(state, condition=Condition.ACTIVE, since=0)
    return state


def _breached(delays: Delays, state: State, at: int) -> tuple[State, Event | None]:
    if at - state.since < delays.on:
        return replace(state, condition=Condition.PENDING), None
    return State(Condition.ACTIVE, active_at=state.since + delays.on), Event.RAISED


def _cleared(delays: Delays, state: State, at: int) -> tuple[State, Event | None]:
    if at - state.since < delays.off:
        return replace(state, condition=Condition.CLEARING), None
    returned = replace(state, condition=Condition.NORMAL, since=0, returned_at=state.since)
    return (State() if state.acked else returned), Event.RETURNED


def _restarted_by_gap(delays: Delays, state: State, reading: Reading) -> State:
    if reading.last is not None and reading.at - reading.last <= delays.max_gap:
        return state
    return replace(state, since=reading.at)
