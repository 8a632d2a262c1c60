"""Promise: a sensor that stands still is flagged when it has done so for long enough, never before.

The exactly constant one too, on uneven intervals, and in memory that does not grow.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sampling.flat import KEPT, Flat
from edge_agent.sampling.reading import Reading

MINUTE = 60_000


def oracle(series: list[Reading], lasting: int, within: float, max_gap: int) -> list[bool]:
    """Slow and obvious: of each reading, the longest run of readings up to it within the band."""
    found = []
    stretch = 0
    for index, reading in enumerate(series):
        if index and not 0 < reading.at - series[index - 1].at <= max_gap:
            stretch = index
        starts = (
            start
            for start in range(stretch, index + 1)
            if _band(series[start : index + 1]) <= Decimal(str(within))
        )
        found.append(reading.at - series[min(starts)].at >= lasting)
    return found


def _band(run: list[Reading]) -> Decimal:
    values = [Decimal(str(reading.value)) for reading in run]
    return max(values) - min(values)


@given(
    said=st.lists(st.tuples(st.integers(-3, 20), st.integers(0, 6)), max_size=40),
    lasting=st.integers(1, 60),
    within=st.integers(0, 4),
    max_gap=st.integers(1, 25),
)
def test_a_run_is_found_as_the_slow_definition_finds_it(
    said: list[tuple[int, int]], lasting: int, within: int, max_gap: int
) -> None:
    times = accumulate(gap for gap, _ in said)
    series = [Reading(at, tenths / 10) for at, (_, tenths) in zip(times, said, strict=True)]
    flat = Flat(lasting=lasting, within=within / 10, max_gap=max_gap)

    told = [flat.take(reading) for reading in series]

    assert told == oracle(series, lasting, within / 10, max_gap)


def test_an_exactly_constant_sensor_is_flagged_from_when_it_has_lasted() -> None:
    flat = Flat(lasting=5 * MINUTE, within=0.0, max_gap=math.inf)

    told = [flat.take(Reading(minute * MINUTE, 21.5)) for minute in range(8)]

    assert told == [False] * 5 + [True] * 3


def test_a_single_change_ends_it() -> None:
    flat = Flat(lasting=2 * MINUTE, within=0.0, max_gap=math.inf)

    told = [flat.take(Reading(n * MINUTE, v)) for n, v in enumerate([5.0, 5.0, 5.0, 5.1, 5.1])]

    assert told == [False, False, True, False, False]


def test_after_a_gap_it_has_to_last_anew() -> None:
    flat = Flat(lasting=2 * MINUTE, within=0.0, max_gap=3 * MINUTE)
    for minute in range(4):
        flat.take(Reading(minute * MINUTE, 5.0))

    assert not flat.take(Reading(7 * MINUTE, 5.0))


@given(st.lists(st.floats(0, 1), min_size=100, max_size=300))
def test_memory_is_bounded_whatever_comes(values: list[float]) -> None:
    flat = Flat(lasting=MINUTE, within=1.0, max_gap=math.inf)

    for at, value in enumerate(values):
        flat.take(Reading(at, value))

        assert len(flat._highest) <= KEPT
        assert len(flat._lowest) <= KEPT


def test_a_drift_in_more_steps_than_are_kept_is_a_shorter_run_and_no_more() -> None:
    flat = Flat(lasting=KEPT, within=1e9, max_gap=math.inf)

    told = [flat.take(Reading(at, float(at))) for at in range(10 * KEPT)]

    assert not any(told)
