"""Every turn keeps to its own grid of times; what a busy bus misses is counted, never queued."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus.schedule import MOMENTS_A_SECOND, Due, Schedule, Turn, phases

INTERVALS = st.sampled_from([0.1, 0.3, 1.0, 5.0, 60.0, 3600.0])
TURNS = st.lists(st.tuples(INTERVALS, st.floats(0, 1)), min_size=1, max_size=8).map(
    lambda entries: [Turn(n, each, share * each) for n, (each, share) in enumerate(entries)]
)


def test_a_turn_is_due_at_its_phase_and_each_interval_after() -> None:
    schedule = Schedule([Turn("meter", 10, phase=3)], origin=100)

    assert schedule.take(102.9) is None
    assert schedule.take(103) == Due("meter", missed=0)
    assert schedule.take(112.9) is None
    assert schedule.take(113.5) == Due("meter", missed=0)
    assert schedule.wait(113.5) == pytest.approx(9.5)


def test_slots_that_passed_unserved_are_counted_and_gone() -> None:
    schedule = Schedule([Turn("meter", 1)], origin=0)

    assert schedule.take(5.5) == Due("meter", missed=5)
    assert schedule.take(5.9) is None


def keys(*taken: Due[str] | None) -> list[str]:
    return [due.key for due in taken if due]


def test_of_two_that_are_due_the_shorter_interval_goes_first() -> None:
    schedule = Schedule([Turn("slow", 60), Turn("fast", 1)], origin=0)

    assert keys(schedule.take(0), schedule.take(0)) == ["fast", "slow"]


def test_who_has_waited_for_half_its_interval_goes_before_shorter_ones() -> None:
    schedule = Schedule([Turn("slow", 60), Turn("fast", 1)], origin=0)

    served = [keys(schedule.take(now))[0] for now in range(32)]

    assert served == ["fast"] * 30 + ["slow", "fast"]


def test_what_is_read_once_goes_before_all_and_comes_back_only_when_told() -> None:
    schedule = Schedule([Turn("fast", 1), Turn("label", math.inf)], origin=0)

    first = keys(schedule.take(0), schedule.take(0))
    later = [keys(schedule.take(now))[0] for now in range(1, 9)]
    schedule.again("label", 20)
    schedule.again("label", 10)

    assert first == ["label", "fast"]
    assert later == ["fast"] * 8
    assert keys(*(schedule.take(10) for _ in range(3))) == ["label", "fast"]
    assert keys(*(schedule.take(20) for _ in range(3))) == ["fast"]


def test_a_turn_that_is_made_up_for_does_not_move_its_slots() -> None:
    schedule = Schedule([Turn("slow", 10)], origin=0)
    schedule.take(0)

    schedule.again("slow", 3)
    schedule.again("slow", 4)
    made_up = [schedule.take(now) for now in (2, 3, 4, 9)]
    schedule.again("slow", 12)

    assert made_up == [None, Due("slow", missed=0), None, None]
    assert [schedule.take(now) for now in (10, 12, 19, 30)] == [
        Due("slow", missed=0),
        None,
        None,
        Due("slow", missed=1),
    ]


def test_a_turn_takes_others_along_only_if_all_of_them_are_due() -> None:
    schedule = Schedule([Turn("fast", 5), Turn("slow", 10), Turn("rare", 20)], origin=0)
    for _ in range(3):
        schedule.take(0)
    schedule.take(5)

    assert keys(schedule.take(10)) == ["fast"]
    assert schedule.take_also(["slow", "rare"], 10) is None
    assert schedule.take_also(["slow"], 10) == [Due("slow", missed=0)]
    assert schedule.take(10) is None


def test_slots_that_meet_but_for_rounding_are_taken_along() -> None:
    schedule = Schedule([Turn("fast", 0.1, phase=0.3), Turn("slow", 60, phase=0.3)], origin=1e6)

    met = 0
    for slot in range(1800):
        now = 1e6 + 0.3 + slot * 0.1
        assert keys(schedule.take(now)) in (["fast"], [])
        met += schedule.take_also(["slow"], now) is not None

    assert met == 3


def test_a_bus_without_turns_never_has_one() -> None:
    schedule: Schedule[str] = Schedule([], origin=0)

    assert schedule.take(1e9) is None
    assert schedule.wait(0) is None


def test_phases_spread_turns_evenly() -> None:
    assert phases(4, 10) == [0, 2.5, 5, 7.5]


@given(count=st.integers(1, 500), interval=INTERVALS)
def test_many_turns_share_the_moments_at_which_the_processor_wakes(
    count: int, interval: float
) -> None:
    spread = phases(count, interval)

    assert all(0 <= phase < interval for phase in spread)
    assert len(set(spread)) <= min(count, round(interval * MOMENTS_A_SECOND))


@given(turns=TURNS, steps=st.lists(st.floats(0, 30), max_size=60), origin=st.floats(0, 1e6))
def test_served_and_missed_slots_are_all_that_passed(
    turns: list[Turn[int]], steps: list[float], origin: float
) -> None:
    schedule = Schedule(turns, origin=origin)
    seen: Counter[int] = Counter()
    now = origin

    for step in steps:
        now += step
        if due := schedule.take(now):
            seen[due.key] += 1 + due.missed
    while due := schedule.take(now):
        seen[due.key] += 1 + due.missed

    for turn in turns:
        passed = (now - origin - turn.phase) / turn.interval + 1
        assert seen[turn.key] == pytest.approx(max(0, passed), abs=1.001)


@given(turns=TURNS, now=st.floats(0, 1e6))
def test_nobody_is_due_twice_at_one_time(turns: list[Turn[int]], now: float) -> None:
    schedule = Schedule(turns, origin=0)

    taken = []
    while due := schedule.take(now):
        taken.append(due.key)

    assert len(taken) == len(set(taken))
    assert (schedule.wait(now) or 0) > 0


@given(turns=TURNS, cost=st.floats(0.01, 10))
def test_an_overloaded_bus_starves_nobody(turns: list[Turn[int]], cost: float) -> None:
    schedule = Schedule(turns, origin=0)
    served: Counter[int] = Counter()
    now = max(turn.phase + turn.interval for turn in turns)

    for _ in range(3 * len(turns)):
        if due := schedule.take(now):
            served[due.key] += 1
        now += cost

    assert set(served) == {turn.key for turn in turns}


@given(turns=TURNS, costs=st.lists(st.floats(0.01, 5), min_size=1, max_size=40))
def test_however_busy_the_bus_a_wait_is_bounded_and_nothing_piles_up(
    turns: list[Turn[int]], costs: list[float]
) -> None:
    """Half an interval and one turn of each other; polls that this skips are counted."""
    schedule = Schedule(turns, origin=0)
    waiting_since = {turn.key: turn.phase for turn in turns}
    now = 0.0

    for cost in costs * 5:
        due = schedule.take(now)
        if due is None:
            now += schedule.wait(now) or 0.0
            continue
        turn = turns[due.key]
        assert now - waiting_since[due.key] <= turn.interval / 2 + len(turns) * max(costs) + 1e-6
        waiting_since[due.key] += (due.missed + 1) * turn.interval
        now += cost

    assert len(schedule._coming) + len(schedule._ready) == len(turns)
