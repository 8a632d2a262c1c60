"""No two samples of a device have the same time, whatever happens to the clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.stamp import HELD_BACK_MAX, Stamps


def test_a_clock_stepped_back_a_little_is_waited_for() -> None:
    stamps = Stamps()

    times = [stamps.stamp("meter", now) for now in (5000, 4000, 4500, 6000)]

    assert times == [5000, 5001, 5002, 6000]


def test_a_clock_that_stays_behind_for_long_is_waited_for_all_the_same() -> None:
    stamps = Stamps()

    times = [stamps.stamp("meter", now) for now in (HELD_BACK_MAX - 1, 0, 0, 0)]

    assert times == [59_999, 60_000, 60_001, 60_002]


def test_a_clock_that_was_far_ahead_is_corrected() -> None:
    stamps = Stamps()
    stamps.stamp("meter", 10 * HELD_BACK_MAX)

    assert stamps.stamp("meter", 1000) == 1000


def test_devices_do_not_hold_each_other_back() -> None:
    stamps = Stamps()
    stamps.stamp("meter-1", 5000)

    assert stamps.stamp("meter-2", 4000) == 4000


@given(st.lists(st.integers(0, HELD_BACK_MAX), max_size=100))
def test_times_rise(wall: list[int]) -> None:
    stamps = Stamps()

    times = [stamps.stamp("meter", now) for now in wall]

    assert times == sorted(set(times))
