"""Promise: what sticks out from both its neighbours is a spike; its neighbours are none."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sampling.reading import Reading
from edge_agent.sampling.spike import Spike


def spikes(spike: Spike, series: list[Reading]) -> list[int]:
    """The indices of the readings that are told to be spikes."""
    return [index - 1 for index, reading in enumerate(series) if spike.take(reading)]


def each_second(*values: float) -> list[Reading]:
    return [Reading(n * 1000, value) for n, value in enumerate(values)]


def oracle(series: list[Reading], limit: float, max_gap: int) -> list[int]:
    """Slow and obvious: each reading against its neighbours; a spike is nobody's neighbour."""
    found: list[int] = []
    stretch = 0
    values = [Decimal(str(reading.value)) for reading in series]
    for index in range(len(series) - 1):
        if index and not 0 < series[index].at - series[index - 1].at <= max_gap:
            stretch = index
        before = [n for n in range(stretch, index) if n not in found]
        if not before or not 0 < series[index + 1].at - series[index].at <= max_gap:
            continue
        left, value, right = values[before[-1]], values[index], values[index + 1]
        if min(value - left, value - right) > Decimal(str(limit)):
            found.append(index)
        if min(left - value, right - value) > Decimal(str(limit)):
            found.append(index)
    return found


@given(
    said=st.lists(st.tuples(st.integers(-3, 20), st.integers(0, 12)), max_size=40),
    limit=st.integers(1, 8),
    max_gap=st.integers(1, 25),
)
def test_spikes_are_found_as_the_slow_definition_finds_them(
    said: list[tuple[int, int]], limit: int, max_gap: int
) -> None:
    times = accumulate(gap for gap, _ in said)
    series = [Reading(at, tenths / 10) for at, (_, tenths) in zip(times, said, strict=True)]

    told = spikes(Spike(limit / 10, max_gap=max_gap), series)

    assert told == oracle(series, limit / 10, max_gap)


def test_neither_a_spikes_neighbours_nor_the_return_from_it_are_spikes() -> None:
    series = each_second(10.0, 9.9, 80.0, 9.8, 10.0, 10.1)

    assert spikes(Spike(5.0, max_gap=math.inf), series) == [2]


def test_a_spike_downwards_is_one_too() -> None:
    assert spikes(Spike(5.0, max_gap=math.inf), each_second(10.0, 10.0, 0.0, 10.0)) == [2]


def test_a_new_level_is_no_spike() -> None:
    assert spikes(Spike(5.0, max_gap=math.inf), each_second(10.0, 10.0, 80.0, 80.0, 80.0)) == []


def test_two_spikes_with_one_good_value_between_them_are_two() -> None:
    series = each_second(10.0, 80.0, 10.0, 90.0, 10.0)

    assert spikes(Spike(5.0, max_gap=math.inf), series) == [1, 3]


def test_a_reading_at_exactly_the_limit_is_credible() -> None:
    assert spikes(Spike(0.1, max_gap=math.inf), each_second(230.0, 230.1, 230.0)) == []
