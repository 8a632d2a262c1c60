"""The machine's promise: an alarm stands for a whole delay of breach, without a gap, in event time.

A sequence of readings always ends in the same state, whatever part of it is repeated, and one
occurrence is open at most.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.machine import (
    Condition,
    Delays,
    Event,
    Reading,
    Side,
    State,
    acknowledge,
    close_if_normal,
    step,
)

HIT, BETWEEN, CLEAR, UNKNOWN = Side.HIT, Side.BETWEEN, Side.CLEAR, Side.UNKNOWN
MINUTE = Delays(on=60, off=60, max_gap=40)


class Run(NamedTuple):
    """Where a sequence of readings led, and what happened on the way."""

    state: State
    events: list[tuple[Event, int]]


def run(delays: Delays, *readings: tuple[int, Side], state: State | None = None) -> Run:
    """Step through readings (time, side); an unknown one leaves the last usable where it was."""
    state, last, events = state or State(), None, []
    for at, side in readings:
        state, event = step(delays, state, Reading(at, side, last))
        if event:
            events.append((event, at))
        if side is not UNKNOWN:
            last = at
    return Run(state, events)


def test_without_a_delay_the_first_breach_is_the_alarm() -> None:
    state, events = run(Delays(), (1000, HIT))

    assert state == State(Condition.ACTIVE, active_at=1000)
    assert events == [(Event.RAISED, 1000)]


def test_on_delay_exact_boundary() -> None:
    before = run(MINUTE, (0, HIT), (30, HIT), (59, HIT))
    exactly = run(MINUTE, (0, HIT), (30, HIT), (60, HIT))

    assert before.state.condition is Condition.PENDING
    assert exactly.state.condition is Condition.ACTIVE


def test_an_alarm_is_active_from_first_breach_and_on_delay_whenever_it_is_found_out() -> None:
    state, _ = run(MINUTE, (0, HIT), (35, HIT), (70, HIT))

    assert state.active_at == 60


def test_a_breach_that_ends_before_its_delay_is_no_alarm() -> None:
    for end in (BETWEEN, CLEAR):
        state, events = run(MINUTE, (0, HIT), (30, HIT), (50, end))

        assert (state, events) == (State(), [])


def test_gap_breaks_on_delay() -> None:
    exactly_the_gap = run(MINUTE, (0, HIT), (40, HIT), (80, HIT))
    broken = run(MINUTE, (0, HIT), (41, HIT), (80, HIT))
    restarted = run(MINUTE, (0, HIT), (41, HIT), (80, HIT), (101, HIT))

    assert exactly_the_gap.state.active_at == 60
    assert broken.state == State(Condition.PENDING, since=41)
    assert restarted.state.active_at == 101


def test_backlog_first_breach_does_not_satisfy_duration() -> None:
    old_breach_then_now = run(MINUTE, (0, HIT), (7_200_000, HIT))

    assert old_breach_then_now.state == State(Condition.PENDING, since=7_200_000)


def test_nan_holds_state() -> None:
    for readings in ([(0, HIT)], [(0, HIT), (30, HIT), (60, HIT)]):
        known = run(MINUTE, *readings).state

        state, event = step(MINUTE, known, Reading(90, UNKNOWN, 60))

        assert state is known
        assert event is None


def test_an_unknown_reading_neither_breaks_nor_satisfies_a_delay() -> None:
    at_the_end = run(MINUTE, (0, HIT), (30, HIT), (60, UNKNOWN))
    on_the_way = run(MINUTE, (0, HIT), (30, HIT), (50, UNKNOWN), (60, HIT))

    assert at_the_end.state.condition is Condition.PENDING
    assert on_the_way.state.condition is Condition.ACTIVE


def test_inside_the_deadband_an_active_alarm_stays_active() -> None:
    state, events = run(Delays(), (0, HIT), (10, BETWEEN), (20, BETWEEN))

    assert state.condition is Condition.ACTIVE
    assert len(events) == 1


def test_an_alarm_has_returned_when_it_was_clear_for_the_off_delay() -> None:
    state, events = run(
        MINUTE, (0, HIT), (30, HIT), (60, HIT), (90, CLEAR), (120, CLEAR), (150, CLEAR)
    )

    assert state == State(Condition.NORMAL, active_at=60, returned_at=90)
    assert events == [(Event.RAISED, 60), (Event.RETURNED, 150)]


def test_off_delay_reentry_same_occurrence() -> None:
    for again in (HIT, BETWEEN):
        clearing = run(MINUTE, (0, HIT), (30, HIT), (60, HIT), (90, CLEAR)).state

        state, event = step(MINUTE, clearing, Reading(100, again, 90))

        assert clearing.condition is Condition.CLEARING
        assert state == State(Condition.ACTIVE, active_at=60)
        assert event is None


def test_gap_breaks_off_delay() -> None:
    readings = [(0, HIT), (30, HIT), (60, HIT), (90, CLEAR), (131, CLEAR), (160, CLEAR)]

    state, _ = run(MINUTE, *readings)

    assert state == State(Condition.CLEARING, since=131, active_at=60)


def test_an_acknowledged_occurrence_is_closed_when_it_returns() -> None:
    active = acknowledge(run(Delays(), (0, HIT)).state)

    state, event = step(Delays(), active, Reading(10, CLEAR, 0))

    assert active.acked
    assert (state, event) == (State(), Event.RETURNED)


def test_a_returned_occurrence_waits_for_its_acknowledgement() -> None:
    returned = run(Delays(), (0, HIT), (10, CLEAR)).state

    assert returned == State(active_at=0, returned_at=10)
    assert acknowledge(returned) == State()
    assert close_if_normal(returned) == State()


def test_acknowledging_the_last_occurrence_leaves_a_running_delay_alone() -> None:
    returned = State(active_at=0, returned_at=10)
    pending = run(MINUTE, (100, HIT), state=returned).state

    assert acknowledge(pending) == State(Condition.PENDING, since=100)


def test_a_new_occurrence_starts_unacknowledged() -> None:
    returned = State(active_at=0, returned_at=10)

    state, _ = run(Delays(), (100, HIT), state=returned)

    assert state == State(Condition.ACTIVE, active_at=100)


sides = st.sampled_from(Side)
steps = st.lists(st.tuples(st.integers(1, 60), sides), max_size=60)
delays = st.builds(Delays, on=st.integers(0, 120), off=st.integers(0, 120), max_gap=st.just(40))


def timed(increments: list[tuple[int, Side]]) -> list[tuple[int, Side]]:
    at, readings = 0, []
    for increment, side in increments:
        at += increment
        readings.append((at, side))
    return readings


@given(delays, steps)
def test_an_active_alarm_implies_a_whole_delay_without_a_gap(
    delays: Delays, increments: list[tuple[int, Side]]
) -> None:
    readings = timed(increments)

    for event, at in run(delays, *readings).events:
        wanted, whole = (HIT, delays.on) if event is Event.RAISED else (CLEAR, delays.off)
        usable = [r for r in readings if r[1] is not UNKNOWN and r[0] <= at]
        unbroken = [usable[-1]]
        for earlier, later in reversed(list(pairwise(usable))):
            if earlier[1] is not wanted or later[0] - earlier[0] > delays.max_gap:
                break
            unbroken.append(earlier)
        assert unbroken[0][1] is wanted
        assert unbroken[0][0] - unbroken[-1][0] >= whole


@given(delays, steps)
def test_occurrences_are_raised_and_returned_in_turn(
    delays: Delays, increments: list[tuple[int, Side]]
) -> None:
    events = [event for event, _ in run(delays, *timed(increments)).events]

    assert events[::2] == [Event.RAISED] * len(events[::2])
    assert events[1::2] == [Event.RETURNED] * len(events[1::2])


@given(delays, steps)
def test_a_state_says_only_what_its_condition_allows(
    delays: Delays, increments: list[tuple[int, Side]]
) -> None:
    state = State()
    for at, side in timed(increments):
        state, _ = step(delays, state, Reading(at, side, at - 1))

        if state.condition in (Condition.ACTIVE, Condition.CLEARING):
            assert state.active_at is not None
            assert state.active_at <= at
        assert bool(state.since) == (state.condition in (Condition.PENDING, Condition.CLEARING))
