"""Promise: rounds that meet are read together where that is cheaper; everything else is spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.behaviour import Limits
from device_profiles.channel import RegisterChannel
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.planned import seconds
from edge_agent.bus.rounds import Reads, reads, share, spread, timetable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.bus.rounds import Timetable

COST = Cost.serial(9600, turnaround=0.02)


def read(*addresses: int) -> list[RegisterChannel]:
    return [
        RegisterChannel.model_validate(
            {"id": f"c_{address}", "table": "holding", "address": address, "type": "u16"}
        )
        for address in addresses
    ]


def planned(channels: Mapping[float, list[RegisterChannel]]) -> Reads:
    return reads(channels, lambda wanted: plan(wanted, Limits(), COST), COST)


def table(name: str = "meter", **intervals: tuple[int, ...]) -> Timetable:
    channels = {float(key[1:]): read(*addresses) for key, addresses in intervals.items()}
    return timetable(name, planned(channels))


def test_neighbours_at_two_intervals_that_meet_are_read_together() -> None:
    own = table(s5=(0, 1), s60=(2, 3))

    (joint,) = own.together.values()
    assert [(r.address, r.count) for r in joint.requests] == [(0, 4)]  # type: ignore[attr-defined]
    assert joint.interval == 5
    assert own.followers == (own.apart[1],)


@pytest.mark.parametrize(
    "channels",
    [{5.0: (0, 1), 60.0: (500, 501)}, {5.0: (0, 1), 7.0: (2, 3)}],
    ids=["far apart", "intervals that seldom meet"],
)
def test_what_is_not_cheaper_together_stays_apart(channels: dict[float, tuple[int, ...]]) -> None:
    own = timetable("meter", planned({key: read(*value) for key, value in channels.items()}))

    assert own.together == {}
    assert own.followers == ()


def test_what_is_read_once_joins_the_fastest() -> None:
    own = timetable("meter", planned({5.0: read(0), math.inf: read(2)}))

    assert [len(joint.channels) for joint in own.together.values()] == [2]
    assert spread([own])[own.apart[1]] == spread([own])[own.apart[0]]


def test_the_share_of_a_follower_is_only_what_it_adds() -> None:
    own = table(s5=(0, 1), s60=(2, 3))

    fast, joint = own.apart[0].seconds(COST), next(iter(own.together.values())).seconds(COST)
    assert share(own, COST) == pytest.approx(fast / 5 + (joint - fast) / 60)


def test_devices_are_spread_and_so_are_their_slow_rounds() -> None:
    tables = [table(f"meter-{n}", s5=(0, 1), s60=(2, 3)) for n in range(12)]

    phase = spread(tables)

    fast = [phase[own.apart[0]] for own in tables]
    slow = [phase[own.apart[1]] for own in tables]
    assert len(set(fast)) == 12
    assert max(fast) < 5
    assert [round((s - f) / 5) for f, s in zip(fast, slow, strict=True)] == list(range(12))


INTERVALS = st.lists(
    st.sampled_from([0.2, 1.0, 5.0, 7.0, 10.0, 60.0, 3600.0, math.inf]), max_size=6, unique=True
)


@given(
    devices=st.lists(
        INTERVALS.map(lambda found: {n: read(i) for i, n in enumerate(found)}), max_size=6
    )
)
def test_every_round_has_a_phase_and_followers_meet_their_device_s_fastest(
    devices: list[dict[float, list[RegisterChannel]]],
) -> None:
    tables = [timetable(f"meter-{n}", planned(each)) for n, each in enumerate(devices)]

    phase = spread(tables)

    for own in tables:
        for each in own.apart:
            longest = 0.0 if math.isinf(each.interval) else each.interval
            assert 0 <= phase[each] <= longest + own.apart[0].interval
        for each in own.followers:
            fastest = own.apart[0]
            slots = (phase[each] - phase[fastest]) / fastest.interval
            assert slots == pytest.approx(round(slots))


@given(own=INTERVALS.map(lambda found: planned({n: read(3 * i) for i, n in enumerate(found)})))
def test_together_is_never_dearer_and_brings_the_same(own: Reads) -> None:
    for met, joint in own.together.items():
        apart = [request for interval in met for request in own.apart[interval]]

        assert seconds(joint, COST) < seconds(apart, COST)
        assert {c.id for r in joint for c in r.channels} == {
            c.id for r in apart for c in r.channels
        }
