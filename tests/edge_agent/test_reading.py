"""Promise: what a device refuses or fails at costs the channels concerned, whatever the plan.

And what it says of itself (no such function, busy, in trouble) is taken at its word.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.behaviour import Limits
from device_profiles.channel import RegisterChannel
from edge_agent.bus.cost import Cost
from edge_agent.bus.failures import (
    BadReply,
    BusDown,
    DeviceException,
    DeviceRefused,
    NoReply,
    ReadFailed,
)
from edge_agent.bus.plan import plan
from edge_agent.bus.quarantine import STUBBORN, Quarantine
from edge_agent.bus.reading import Reading
from edge_agent.bus.request import Request
from telemetry.sample import (
    BAD_REPLY,
    BUS_DOWN,
    DEVICE_ERROR,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    NO_REPLY,
    NOT_VALID,
    Flag,
    Value,
)

RECHECK = 3600.0


def channel(address: int, table: str = "holding", **more: Any) -> RegisterChannel:  # noqa: ANN401
    entry = {"id": f"{table[0]}_{address}", "table": table, "address": address, "type": "u16"}
    return RegisterChannel.model_validate(entry | more)


class Device:
    """Refuses what it is told to refuse, and answers each register with its address mod 4."""

    def __init__(self, illegal: set[int] = frozenset(), code: int = 2) -> None:  # type: ignore[assignment]
        self.illegal = illegal
        self.code = code
        self.by_table: dict[str, ReadFailed] = {}
        self.asked: list[Request] = []

    def read(self, reads: Quarantine, now: float = 0.0, *, doubted: bool = False) -> Reading:
        """One round."""
        reading = Reading(reads, doubted=doubted, now=now)
        while (request := reading.next()) is not None:
            assert isinstance(request, Request)
            self.asked.append(request)
            if failure := self._failure(request):
                reading.fail(request, failure, now)
            else:
                reading.answer(request, [n % 4 for n in range(request.address, request.end)])
        return reading

    def _failure(self, request: Request) -> ReadFailed | None:
        if self.illegal & set(range(request.address, request.end)):
            return DeviceException(self.code)
        return self.by_table.get(request.table)


def planned(channels: list[RegisterChannel], **limits: Any) -> Quarantine:  # noqa: ANN401
    return Quarantine(plan(channels, Limits(**limits), Cost.serial(9600)), recheck=RECHECK)


# one illegal register


PLACES = st.one_of(st.integers(0, 60), st.integers(65_500, 65_535))
LIMITS = st.fixed_dictionaries(
    {
        "max_registers": st.integers(1, 125),
        "max_gap": st.integers(0, 125),
        "coherent": st.booleans(),
    }
)


@given(
    addresses=st.sets(PLACES, min_size=2, max_size=30).map(lambda found: found | {0, 65_535}),
    data=st.data(),
    limits=LIMITS,
    code=st.sampled_from([2, 3]),
)
def test_one_illegal_register_costs_one_channel_whatever_the_plan(
    addresses: set[int], data: st.DataObject, limits: dict[str, Any], code: int
) -> None:
    bad = data.draw(st.sampled_from(sorted(addresses)))
    reads = planned([channel(address) for address in addresses], **limits)

    values, flags = Device({bad}, code).read(reads).outcome()

    assert flags == {f"h_{bad}": ILLEGAL_ADDRESS}
    assert values == {f"h_{n}": n % 4 for n in addresses - {bad}}


@given(
    addresses=st.sets(st.integers(0, 60), min_size=3, max_size=20),
    data=st.data(),
    limits=LIMITS,
)
def test_an_illegal_scale_factor_or_condition_costs_itself_and_what_leans_on_it(
    addresses: set[int], data: st.DataObject, limits: dict[str, Any]
) -> None:
    factor, state, *plain = sorted(addresses)
    leaning = {address: data.draw(st.sampled_from(["sf", "valid_if", ""])) for address in plain}
    more: dict[str, dict[str, Any]] = {
        "sf": {"sf": "factor"},
        "valid_if": {"valid_if": {"channel": "state", "equals": state % 4}},
        "": {},
    }
    wanted = [channel(factor, id="factor", type="sunssf"), channel(state, id="state")]
    wanted += [channel(address, **more[kind]) for address, kind in leaning.items()]
    bad = data.draw(st.sampled_from(sorted(addresses)))
    lost = {f"h_{bad}"} if bad in leaning else {"factor" if bad == factor else "state"}
    kind = {factor: "sf", state: "valid_if"}.get(bad)
    lost |= {f"h_{address}" for address in plain if kind and leaning[address] == kind}

    values, flags = Device({bad}).read(planned(wanted, **limits)).outcome()

    assert flags == dict.fromkeys(lost, ILLEGAL_ADDRESS)
    assert set(values) == {one.id for one in wanted} - lost


@given(gaps=st.sets(st.integers(0, 120), max_size=4), count=st.integers(2, 12))
def test_an_illegal_register_in_a_gap_costs_nothing(gaps: set[int], count: int) -> None:
    addresses = [11 * n for n in range(count)]

    values, flags = (
        Device(gaps - set(addresses)).read(planned([channel(a) for a in addresses])).outcome()
    )

    assert len(values) == count
    assert flags == {}


def test_a_register_that_came_to_be_is_found_after_the_recheck() -> None:
    device, reads = Device({1}), planned([channel(0), channel(1)])
    device.read(reads)
    device.illegal = set()

    early = device.read(reads, now=RECHECK - 1).outcome()
    late = device.read(reads, now=RECHECK).outcome()
    after = device.read(reads, now=RECHECK + 1).outcome()

    assert early == ({"h_0": 0}, {"h_1": ILLEGAL_ADDRESS})
    assert late == after == ({"h_0": 0, "h_1": 1}, {})


# what a device says of itself


def test_an_unknown_function_costs_its_whole_table_at_one_question() -> None:
    device = Device()
    device.by_table = {"input": DeviceException(1)}
    far_apart = [channel(address, "input") for address in (0, 200, 400)]
    reads = planned([*far_apart, channel(0)])

    reading = device.read(reads)
    device.asked.clear()
    again = device.read(reads, now=60)

    assert reading.outcome() == ({"h_0": 0}, {one.id: ILLEGAL_FUNCTION for one in far_apart})
    assert again.outcome() == reading.outcome()
    assert [request.table for request in device.asked] == ["holding"]


def test_an_unknown_function_is_tried_again_after_a_while_at_one_question() -> None:
    device = Device()
    device.by_table = {"input": DeviceException(1)}
    reads = planned([channel(address, "input") for address in (0, 200, 400)] + [channel(0)])
    device.read(reads)
    device.asked.clear()

    device.read(reads, now=RECHECK)
    device.read(reads, now=RECHECK + 60)

    assert [request.table for request in device.asked] == ["holding", "input", "holding"]


@pytest.mark.parametrize("code", [5, 6])
def test_a_busy_device_is_left_in_peace_for_the_rest_of_the_round(code: int) -> None:
    device, reads = Device({0}, code), planned([channel(0), channel(300)])

    reading = device.read(reads)

    assert len(device.asked) == 1
    assert reading.replied
    assert not reading.complete
    assert reading.outcome() == ({}, dict.fromkeys(("h_0", "h_300"), DEVICE_ERROR))
    assert len(reads.due(1)) == 2, "nothing is held: it may answer next time"


def test_a_device_in_trouble_is_asked_for_the_rest_and_again_next_time() -> None:
    device, reads = Device({0}, code=4), planned([channel(0), channel(300)])

    first = device.read(reads)
    device.illegal = set()
    second = device.read(reads, now=1)

    assert first.outcome() == ({"h_300": 0}, {"h_0": DEVICE_ERROR})
    assert second.outcome() == ({"h_0": 0, "h_300": 0}, {})


def test_trouble_that_stays_with_one_register_costs_its_channel_alone() -> None:
    """Some devices say 4 of a register that they do not have."""
    device, reads = Device({7}, code=4), planned([channel(address) for address in range(20)])

    lost = [len(device.read(reads, now=n).outcome()[1]) for n in range(STUBBORN + 1)]

    assert lost == [20] * (STUBBORN - 1) + [1, 1]
    assert reads.flags == {"h_7": DEVICE_ERROR}


def test_a_device_without_codes_that_goes_on_refusing_is_taken_at_its_word() -> None:
    device = Device()
    device.by_table = {"input": DeviceRefused("no such data")}
    reads = planned([channel(0), channel(0, "input")])

    readings = [device.read(reads, now=n) for n in range(STUBBORN + 1)]

    assert [reading.outcome() for reading in readings] == [({"h_0": 0}, {"i_0": DEVICE_ERROR})] * (
        STUBBORN + 1
    )
    assert [str(reading.refusals.get("i_0")) for reading in readings] == [
        *["no such data"] * STUBBORN,
        "None",
    ]
    assert [reading.complete for reading in readings] == [*[False] * (STUBBORN - 1), True, True]


def test_a_bad_reply_costs_its_own_channels() -> None:
    device = Device()
    device.by_table = {"input": BadReply()}

    reading = device.read(planned([channel(0), channel(0, "input")]))

    assert reading.outcome() == ({"h_0": 0}, {"i_0": BAD_REPLY})
    assert not reading.complete


@pytest.mark.parametrize(
    ("failure", "doubted", "asked", "flag"),
    [
        (NoReply(), False, 2, NO_REPLY),
        (NoReply(), True, 1, NO_REPLY),
        (DeviceException(11), True, 1, NO_REPLY),
        (BusDown("unplugged"), False, 1, BUS_DOWN),
    ],
)
def test_what_is_hopeless_costs_the_bus_one_question(
    failure: ReadFailed, asked: int, flag: Flag, *, doubted: bool
) -> None:
    device = Device()
    device.by_table = {"holding": failure}

    reading = device.read(planned([channel(0), channel(300)]), doubted=doubted)

    assert len(device.asked) == asked
    assert not reading.replied
    assert reading.outcome() == ({}, dict.fromkeys(("h_0", "h_300"), flag))


def test_a_condition_that_came_in_another_read_of_the_round_counts() -> None:
    condition: dict[str, Any] = {"valid_if": {"channel": "h_300", "equals": 1}}
    reads = planned([channel(0, **condition), channel(300)])

    values, flags = Device().read(reads).outcome()

    expected: dict[str, Value] = {"h_300": 0}
    assert (values, flags) == (expected, {"h_0": NOT_VALID})
