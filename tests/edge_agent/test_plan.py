"""Promise: every channel is read once, whole, in the cheapest reads that the device can answer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.behaviour import Limits
from device_profiles.channel import RegisterChannel
from device_profiles.encode import encode
from device_profiles.registers import Table, Type
from edge_agent.bus.cost import Cost
from edge_agent.bus.pdu import wider
from edge_agent.bus.plan import ChannelTooWide, plan
from edge_agent.bus.planned import ShortReply, decode_round, seconds
from edge_agent.bus.request import Request, decode_reply
from edge_agent.bus.wire import Wire
from telemetry.sample import ILLEGAL_ADDRESS, NOT_A_NUMBER, NOT_VALID, OUT_OF_RANGE, UNKNOWN_CODE

if TYPE_CHECKING:
    import random

    from telemetry.sample import Flag, Value

SLOW = Cost.serial(9600)
NO_LIMITS = Limits()


def channel(address: int, kind: str = "u16", **more: Any) -> RegisterChannel:  # noqa: ANN401 - its keys
    name = f"c_{address}_{kind}" + (f"_{more['bit']}" if "bit" in more else "")
    entry = {"id": name, "table": "holding", "address": address, "type": kind, **more}
    return RegisterChannel.model_validate(entry)


def spans(requests: tuple[Request, ...]) -> list[tuple[int, int]]:
    return [(request.address, request.count) for request in requests]


def test_neighbours_are_one_read() -> None:
    requests = plan([channel(4, "f32"), channel(0, "f32"), channel(2, "f32")], NO_LIMITS, SLOW)

    assert spans(requests) == [(0, 6)]


def test_sixteen_status_bits_are_one_register() -> None:
    (request,) = plan([channel(7, "bool", bit=bit) for bit in range(16)], NO_LIMITS, SLOW)

    values, _ = decode_reply(request, [0b1000_0000_0000_0101])

    assert spans((request,)) == [(7, 1)]
    assert [bit for bit, value in enumerate(values.values()) if value] == [0, 2, 15]


@pytest.mark.parametrize("cost", [SLOW, Cost.serial(19_200), Cost.serial(115_200), Cost.tcp()])
@given(addresses=st.lists(st.integers(0, 124), min_size=20, max_size=20, unique=True))
def test_twenty_scattered_registers_are_at_most_two_reads(cost: Cost, addresses: list[int]) -> None:
    requests = plan([channel(address) for address in addresses], NO_LIMITS, cost)

    assert len(requests) <= 2


def test_a_gap_is_bridged_only_where_that_is_cheaper() -> None:
    cost = Cost(char_seconds=0.001, overhead_seconds=0.0201)

    near = plan([channel(0), channel(11)], NO_LIMITS, cost)
    far = plan([channel(0), channel(12)], NO_LIMITS, cost)

    assert spans(near) == [(0, 12)]
    assert spans(far) == [(0, 1), (12, 1)]


def test_a_full_read_is_cut_where_the_gap_is() -> None:
    limits = Limits(max_registers=10)

    requests = plan([channel(address) for address in (0, 1, 7, 8, 9, 10)], limits, Cost.tcp())

    assert spans(requests) == [(0, 2), (7, 4)]


def test_a_gap_that_the_device_does_not_answer_is_not_bridged() -> None:
    limits = Limits(max_gap=0)

    assert spans(plan([channel(0), channel(2), channel(3)], limits, SLOW)) == [(0, 1), (2, 2)]


def test_ranges_are_never_crossed_even_where_they_touch() -> None:
    limits = Limits(ranges={Table.HOLDING: ((0, 9), (10, 19))})

    assert spans(plan([channel(9), channel(10)], limits, SLOW)) == [(9, 1), (10, 1)]


def test_a_channel_within_another_leaves_no_gap_behind_it() -> None:
    wanted = [channel(0, "u64"), channel(1), channel(4)]

    assert spans(plan(wanted, Limits(max_gap=0), SLOW)) == [(0, 5)]


def test_tables_are_apart() -> None:
    requests = plan([channel(0), channel(0, table="input")], NO_LIMITS, SLOW)

    assert [request.table for request in requests] == [Table.HOLDING, Table.INPUT]


def test_the_last_address_can_be_read() -> None:
    (request,) = plan([channel(65_534, "u32"), channel(65_535)], NO_LIMITS, SLOW)

    values, _ = decode_reply(request, [1, 2])

    assert (request.address, request.count) == (65_534, 2)
    assert list(values.values()) == [65_538, 2]


def test_coils_are_counted_in_bits() -> None:
    coils = [channel(address, "bool", table="coil") for address in (0, 9, 300)]

    (request,) = plan(coils, NO_LIMITS, SLOW)
    values, _ = decode_reply(request, [1, *[0] * 8, 1, *[0] * 291, 0, 0, 0, 0])

    assert request.count == 301
    assert list(values.values()) == [True, True, False]


def test_a_channel_that_no_read_can_hold_is_told() -> None:
    with pytest.raises(ChannelTooWide, match="2 registers wide; one read takes 1"):
        plan([channel(0, "u32")], Limits(max_registers=1), SLOW)


def test_overlapping_channels_are_decoded_each_by_itself() -> None:
    wanted = [
        channel(10, "u32"),
        channel(11, "u8h"),
        channel(11, "bool", bit=0),
        channel(12, "f32"),
        channel(14, "i16", scale=0.1, range=[0, 1]),
    ]
    (request,) = plan(wanted, NO_LIMITS, SLOW)

    values, flags = decode_reply(request, [0x0001, 0x0203, 0x7FC0, 0x0000, 0xFFFF])

    assert values == {
        "c_10_u32": 0x00010203,
        "c_11_u8h": 2,
        "c_11_bool_0": True,
        wanted[4].id: -0.1,
    }
    assert flags == {"c_12_f32": NOT_A_NUMBER, wanted[4].id: OUT_OF_RANGE}


def test_a_short_reply_is_no_reply() -> None:
    (request,) = plan([channel(0, "u32")], NO_LIMITS, SLOW)

    with pytest.raises(ShortReply, match="1 of 2 words from 0"):
        decode_reply(request, [1])


@pytest.mark.parametrize("baud", [1200, 9600, 19_200, 38_400, 115_200])
def test_a_read_costs_its_wire_time_and_the_devices(baud: int) -> None:
    (request,) = plan([channel(address) for address in range(10)], NO_LIMITS, SLOW)

    seconds = request.seconds(Cost.serial(baud, turnaround=0.02))

    silence = Wire(baud=baud, bits=10).silence
    assert seconds == pytest.approx((8 + 5 + 20) * 10 / baud + 2 * silence + 0.02)


def test_in_ascii_mode_each_byte_is_two_characters() -> None:
    (request,) = plan([channel(0)], NO_LIMITS, SLOW)

    seconds = request.seconds(Cost.ascii(9600, turnaround=0))

    ask, reply = len(":010300000001FB\r\n"), len(":0103020007F3\r\n")
    assert seconds == pytest.approx((ask + reply) * 10 / 9600)


# what must not be read together, and what must


def test_what_can_only_be_written_is_not_read() -> None:
    written: dict[str, Any] = {"access": "w", "write": {"function": 6}}

    assert spans(plan([channel(0), channel(1, **written)], NO_LIMITS, SLOW)) == [(0, 1)]


def test_a_register_that_reading_changes_is_read_by_itself() -> None:
    rain = channel(5, resets=True)

    requests = plan([channel(4), rain, channel(6)], NO_LIMITS, SLOW, resets=[rain])

    assert spans(requests) == [(4, 1), (5, 1), (6, 1)]


def test_a_register_that_reading_changes_is_never_bridged_even_if_nobody_wants_it() -> None:
    rain = channel(5, resets=True)

    requests = plan([channel(4), channel(6), channel(7)], NO_LIMITS, SLOW, resets=[rain])

    assert spans(requests) == [(4, 1), (6, 2)]


def test_a_device_may_want_each_value_asked_for_by_itself() -> None:
    limits = Limits(one_channel_per_request=True)
    bits = [channel(3, "bool", bit=bit) for bit in range(16)]

    requests = plan([channel(0), channel(1, "u32"), channel(3), *bits], limits, SLOW)

    assert spans(requests) == [(0, 1), (1, 2), (3, 1)]
    assert len(requests[2].channels) == 17, "they are one register"


def test_values_that_belong_together_come_from_one_read_whatever_that_costs() -> None:
    far_apart = [channel(0), channel(100)]

    together = plan(far_apart, Limits(coherent=True), SLOW)

    assert len(plan(far_apart, NO_LIMITS, SLOW)) == 2
    assert spans(together) == [(0, 101)]


def test_a_value_and_its_scale_factor_come_from_one_read() -> None:
    wanted = [channel(0, sf="factor"), channel(1), channel(90, "sunssf", id="factor")]

    requests = plan(wanted, NO_LIMITS, SLOW)
    values, _ = decode_reply(requests[0], [2301, 7, *[0] * 88, 0xFFFF])

    assert spans(requests) == [(0, 91)]
    assert values == {"c_0_u16": 230.1, "c_1_u16": 7, "factor": -1}


def test_a_scale_factor_that_no_read_can_hold_too_is_taken_from_the_same_round() -> None:
    wanted = [channel(0, sf="factor"), channel(90, "sunssf", id="factor")]
    requests = plan(wanted, Limits(max_gap=10), SLOW)

    values, flags = decode_round(list(zip(requests, ([2301], [0xFFFE]), strict=True)), {})

    assert spans(requests) == [(0, 1), (90, 1)]
    assert (values, flags) == ({"c_0_u16": 23.01, "factor": -2}, {})


def test_a_value_whose_scale_factor_is_not_there_has_its_flag() -> None:
    wanted = [channel(0, sf="factor"), channel(90, "sunssf", id="factor")]
    requests = plan(wanted, Limits(max_gap=10), SLOW)

    values, flags = decode_round([(requests[0], [2301])], {"factor": ILLEGAL_ADDRESS})

    assert values == {}
    assert flags == {"c_0_u16": ILLEGAL_ADDRESS, "factor": ILLEGAL_ADDRESS}


def test_two_values_may_read_one_factor_twice_where_one_read_cannot_hold_all() -> None:
    wanted = [
        channel(0, sf="factor"),
        channel(60, "sunssf", id="factor"),
        channel(120, sf="factor"),
    ]

    requests = plan(wanted, Limits(max_registers=70), SLOW)

    assert spans(requests) == [(0, 61), (60, 61)]
    assert [[c.id for c in r.channels] for r in requests] == [
        ["c_0_u16", "factor"],
        ["c_120_u16"],
    ]


CONDITION = {"channel": "state", "equals": "on"}
STATE: dict[str, Any] = {"id": "state", "enum": {0: "off", 1: "on"}}


@pytest.mark.parametrize(
    ("word", "flag"), [(1, None), (0, NOT_VALID), (7, UNKNOWN_CODE)], ids=["met", "not", "unknown"]
)
@pytest.mark.parametrize("table", ["holding", "input"])
def test_a_value_holds_only_while_its_condition_is_met(
    table: str, word: int, flag: Flag | None
) -> None:
    wanted = [channel(0, valid_if=CONDITION), channel(3, table=table, **STATE)]
    requests = plan(wanted, NO_LIMITS, SLOW)
    registers = {("holding", 0): 42, (table, 3): word}

    answers = [
        [registers.get((r.table, r.address + n), 0) for n in range(r.count)] for r in requests
    ]
    values, flags = decode_round(list(zip(requests, answers, strict=True)), {})

    assert values.get("c_0_u16") == (None if flag else 42)
    assert flags.get("c_0_u16") == flag


def test_a_doubted_condition_is_a_condition() -> None:
    wanted = [
        channel(0, valid_if={"channel": "load", "equals": 9}),
        channel(1, id="load", range=[0, 5]),
    ]
    (request,) = plan(wanted, NO_LIMITS, SLOW)

    values, flags = decode_reply(request, [42, 9])

    assert values == {"c_0_u16": 42, "load": 9}
    assert flags == {"load": OUT_OF_RANGE}


KINDS = [kind for kind in Type if not (kind.has_length or kind is Type.BOOL)]


@st.composite
def wanted_channels(draw: st.DrawFn) -> list[RegisterChannel]:
    keys = st.tuples(st.integers(0, 400), st.sampled_from([*KINDS, Type.BOOL]))
    found = draw(st.lists(keys, min_size=1, max_size=40, unique=True))
    return [
        channel(address, kind, bit=draw(st.integers(0, 15)))
        if kind is Type.BOOL
        else channel(address, kind)
        for address, kind in found
    ]


LIMITS = st.builds(
    Limits,
    max_registers=st.integers(8, 125),
    max_gap=st.integers(0, 130),
    ranges=st.sampled_from([{}, {Table.HOLDING: ((0, 99), (100, 420))}]),
)
COSTS = st.sampled_from([Cost.serial(1200), SLOW, Cost.serial(115_200), Cost.tcp()])


@given(wanted=wanted_channels(), limits=LIMITS, cost=COSTS)
def test_every_channel_is_whole_in_just_one_read_within_the_limits(
    wanted: list[RegisterChannel], limits: Limits, cost: Cost
) -> None:
    wanted = [one for one in wanted if limits.bounds(one)]

    requests = plan(wanted, limits, cost)

    read = [one.id for request in requests for one in request.channels]
    assert sorted(read) == sorted(one.id for one in wanted)
    assert len(requests) <= len(wanted)
    for request in requests:
        assert request.count <= limits.max_registers
        assert len({limits.bounds(one) for one in request.channels}) == 1
        for one in request.channels:
            assert request.address <= one.address
            assert one.end <= request.end


@given(
    values=st.sets(st.integers(0, 200), min_size=1, max_size=12),
    factors=st.lists(st.integers(201, 330), min_size=1, max_size=3, unique=True),
    limits=LIMITS,
    cost=COSTS,
    data=st.data(),
)
def test_whatever_the_plan_every_value_meets_its_own_scale_factor(
    values: set[int], factors: list[int], limits: Limits, cost: Cost, data: st.DataObject
) -> None:
    chosen = {address: data.draw(st.sampled_from(factors)) for address in values}
    wanted = [channel(address, "sunssf") for address in factors]
    wanted += [channel(address, sf=f"c_{by}_sunssf") for address, by in chosen.items()]
    memory = [address % 7 + 1 for address in range(421)]
    for index, address in enumerate(factors):
        memory[address] = index

    requests = plan(wanted, limits, cost)
    answers = [(request, memory[request.address : request.end]) for request in requests]
    decoded, flags = decode_round(answers, {})

    assert flags == {}
    assert len(decoded) == len(wanted)
    for address, by in chosen.items():
        assert decoded[f"c_{address}_u16"] == memory[address] * 10 ** memory[by]
    for request in requests:
        assert request.count <= limits.max_registers
        inside = (*request.channels, *request.beside)
        assert len({limits.bounds(one) for one in inside}) == 1


@given(
    addresses=st.sets(st.integers(0, 120), min_size=1, max_size=20),
    resets=st.sets(st.integers(0, 120), max_size=5),
    cost=COSTS,
)
def test_no_read_touches_a_register_that_it_would_change_beside_another(
    addresses: set[int], resets: set[int], cost: Cost
) -> None:
    changing = [channel(address, resets=True) for address in resets]
    wanted = [channel(address) for address in addresses - resets] + changing[::2]

    for request in plan(wanted, NO_LIMITS, cost, resets=changing):
        touched = resets & set(range(request.address, request.end))
        assert not touched or request.count == 1
        for ask in wider(request):
            address, count = struct.unpack(">HH", ask.pdu[1:])
            assert not resets & set(range(address, address + count))


@given(wanted=wanted_channels(), limits=LIMITS, cost=COSTS)
def test_a_read_may_bring_no_more_than_the_device_answers(
    wanted: list[RegisterChannel], limits: Limits, cost: Cost
) -> None:
    wanted = [one for one in wanted if limits.bounds(one)]

    for request in plan(wanted, limits, cost):
        bounds = limits.bounds(request.channels[0])
        for ask in wider(request):
            address, count = struct.unpack(">HH", ask.pdu[1:])
            assert request.count < count <= limits.max_registers
            assert count - request.count <= limits.max_gap
            assert bounds is not None
            assert address + count - 1 <= bounds[1]


def test_a_device_that_answers_one_channel_at_a_time_is_asked_for_no_more() -> None:
    (request,) = plan([channel(0)], Limits(one_channel_per_request=True), SLOW)

    assert wider(request) == ()


@given(wanted=wanted_channels(), limits=LIMITS, cost=COSTS)
def test_no_plan_costs_more_than_reading_each_channel_by_itself(
    wanted: list[RegisterChannel], limits: Limits, cost: Cost
) -> None:
    wanted = [one for one in wanted if limits.bounds(one)]

    together = seconds(plan(wanted, limits, cost), cost)

    assert together <= seconds([Request.of([one]) for one in wanted], cost) + 1e-9


@given(
    addresses=st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True),
    cost=COSTS,
    room=st.integers(1, 60),
)
def test_no_way_of_cutting_is_cheaper(addresses: list[int], cost: Cost, room: int) -> None:
    addresses = sorted(addresses)

    requests = plan([channel(a) for a in addresses], Limits(max_registers=room), cost)

    assert seconds(requests, cost) == pytest.approx(cheapest(addresses, cost, room))


def cheapest(addresses: list[int], cost: Cost, room: int) -> float:
    """The least that reading costs, by trying every way of cutting."""
    if not addresses:
        return 0.0
    return min(
        cost.read(Table.HOLDING, addresses[cut] - addresses[0] + 1)
        + cheapest(addresses[cut + 1 :], cost, room)
        for cut in range(len(addresses))
        if addresses[cut] - addresses[0] < room
    )


@given(wanted=wanted_channels(), chance=st.randoms())
def test_the_order_of_asking_does_not_matter(
    wanted: list[RegisterChannel], chance: random.Random
) -> None:
    shuffled = chance.sample(wanted, len(wanted))

    assert spans(plan(shuffled, NO_LIMITS, SLOW)) == spans(plan(wanted, NO_LIMITS, SLOW))


@given(addresses=st.sets(st.integers(0, 500), min_size=1, max_size=40), cost=COSTS)
def test_each_value_comes_from_its_own_register(addresses: set[int], cost: Cost) -> None:
    memory = list(range(1000, 1501))

    values: dict[str, Value] = {}
    for request in plan([channel(address) for address in addresses], NO_LIMITS, cost):
        words = memory[request.address : request.end]
        values |= decode_reply(request, words)[0]

    assert values == {f"c_{address}_u16": 1000 + address for address in addresses}


def test_what_is_encoded_is_what_a_reply_says() -> None:
    wanted = [channel(0, "f32", order="CDAB"), channel(2, "i16", scale=0.1)]
    (request,) = plan(wanted, NO_LIMITS, SLOW)

    values, flags = decode_reply(request, [*encode(wanted[0], 1.5), *encode(wanted[1], -0.5)])

    assert list(values.values()) == [1.5, -0.5]
    assert not flags
