"""Promise: the conversions that other gateways' tests leave out are right too.

Every order for every type, halves of a register in any order, texts with much padding, the last
address of a table, and fields that overlap in one read.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from device_profiles.behaviour import Limits
from device_profiles.channel import RegisterChannel
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.request import Request, decode_reply

FORMATS = {
    "u16": ">H",
    "i16": ">h",
    "f16": ">e",
    "u32": ">I",
    "i32": ">i",
    "f32": ">f",
    "u64": ">Q",
    "i64": ">q",
    "f64": ">d",
}
NATURAL = {
    "u8h": b"\x8a\x35",
    "u8l": b"\x8a\x35",
    "i8h": b"\x8a\x35",
    "i8l": b"\x8a\x35",
    "u16": b"\xca\x4b",
    "i16": b"\xca\x4b",
    "f16": struct.pack(">e", -13.5),
    "bcd16": b"\x12\x34",
    "u24": b"\xca\x4b\x5d",
    "i24": b"\xca\x4b\x5d",
    "u32": b"\xca\x4b\x5d\x6e",
    "i32": b"\xca\x4b\x5d\x6e",
    "f32": struct.pack(">f", -13.5),
    "bcd32": b"\x12\x34\x56\x78",
    "u48": b"\xca\x4b\x5d\x6e\x7f\x10",
    "i48": b"\xca\x4b\x5d\x6e\x7f\x10",
    "u64": b"\x0a\x4b\x5d\x6e\x7f\x10\x21\x32",
    "i64": b"\xca\x4b\x5d\x6e\x7f\x10\x21\x32",
    "f64": struct.pack(">d", -13.0625),
    "bcd64": b"\x12\x34\x56\x78\x90\x12\x34\x56",
}
"""The bytes of one value of each type, most significant first."""

MEANT = {
    "u8h": 0x8A,
    "u8l": 0x35,
    "i8h": 0x8A - 0x100,
    "i8l": 0x35,
    "u16": 0xCA4B,
    "i16": 0xCA4B - 0x1_0000,
    "f16": -13.5,
    "bcd16": 1234,
    "u24": 0xCA4B5D,
    "i24": 0xCA4B5D - 0x100_0000,
    "u32": 0xCA4B5D6E,
    "i32": 0xCA4B5D6E - 0x1_0000_0000,
    "f32": -13.5,
    "bcd32": 12_345_678,
    "u48": 0xCA4B5D6E7F10,
    "i48": 0xCA4B5D6E7F10 - 0x1_0000_0000_0000,
    "u64": 0x0A4B5D6E7F102132,
    "i64": 0xCA4B5D6E7F102132 - 0x1_0000_0000_0000_0000,
    "f64": -13.0625,
    "bcd64": 1_234_567_890_123_456,
}

USUAL = {
    2: ("AB", "BA"),
    3: ("-ABC", "ABC-", "BC-A", "A-CB", "CBA-", "-CBA"),
    4: tuple("".join(order) for order in permutations("ABCD")),
    6: ("ABCDEF", "EFCDAB", "BADCFE", "FEDCBA"),
    8: (
        *("ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"),
        *("CDABGHEF", "EFGHABCD", "DCBAHGFE", "FEHGBADC"),
    ),
}
"""By bytes: all orders, or of long values those by whole registers, halves and double registers."""

WAYS = [
    (kind, order, scale)
    for kind, data in NATURAL.items()
    for order in USUAL[len(data)]
    for scale in ("1", "0.1", "10", "0.001")
]


def channel(kind: str, address: int = 0, **more: Any) -> RegisterChannel:  # noqa: ANN401 - a channel's keys
    entry = {"id": f"c_{address}_{kind}", "table": "holding", "address": address, "type": kind}
    return RegisterChannel.model_validate(entry | more)


def registers(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))


def read_alone(one: RegisterChannel, words: list[int]) -> Any:  # noqa: ANN401 - any outcome
    values, flags = decode_reply(Request.of([one]), words)
    assert not flags
    return values[one.id]


@pytest.mark.parametrize(("kind", "order", "scale"), WAYS)
def test_every_type_has_every_order_and_scale(kind: str, order: str, scale: str) -> None:
    data = NATURAL[kind]
    wire = bytes(0xEE if letter == "-" else data["ABCDEFGH".index(letter)] for letter in order)

    value = read_alone(channel(kind, order=order, scale=scale), registers(wire))

    exact = Fraction(MEANT[kind]) * Fraction(scale)
    assert value == (MEANT[kind] if scale == "1" else float(exact))


@pytest.mark.parametrize("kind", FORMATS)
def test_struct_agrees_what_the_bytes_mean(kind: str) -> None:
    assert struct.unpack(FORMATS[kind], NATURAL[kind]) == (MEANT[kind],)


def test_their_tests_know_four_orders_and_these_are_more() -> None:
    assert len(WAYS) == 4 * (2 * 8 + 6 * 2 + 24 * 4 + 4 * 2 + 8 * 4)


@pytest.mark.parametrize("nuls", range(40))
def test_any_number_of_nuls_is_padding(nuls: int) -> None:
    data = b"PM" + bytes(2 * nuls)

    assert read_alone(channel("str", length=len(data) // 2), registers(data)) == "PM"
    swapped = registers(b"MP" + bytes(2 * nuls))
    assert read_alone(channel("str", length=len(data) // 2, order="BA"), swapped) == "PM"


@pytest.mark.parametrize("layout", ["upper", "lower"])
def test_halves_of_registers_may_have_nuls_too(layout: str) -> None:
    words = [0x5050, 0x4D4D, 0x0000, 0x0000, 0x5A5A]

    assert read_alone(channel("str", length=5, layout=layout), words) == "PM"


@pytest.mark.parametrize(
    ("kind", "address", "words", "value"),
    [
        ("u16", 65_535, [230], 230),
        ("i8h", 65_535, [0xFE00], -2),
        ("u32", 65_534, [1, 2], 65_538),
        ("f64", 65_532, registers(struct.pack(">d", 230.1)), 230.1),
    ],
)
def test_the_last_address_can_be_read(
    kind: str, address: int, words: list[int], value: float
) -> None:
    (request,) = plan([channel(kind, address)], Limits(), Cost.tcp())

    values, _ = decode_reply(request, words)

    assert (request.address, request.count) == (address, len(words))
    assert list(values.values()) == [value]


def test_the_last_coil_can_be_read() -> None:
    last = RegisterChannel.model_validate(
        {"id": "last", "table": "coil", "address": 65_535, "type": "bool"}
    )

    assert read_alone(last, [1]) is True


def test_nothing_can_stand_beyond_the_last_address() -> None:
    with pytest.raises(ValidationError, match="end beyond 65535"):
        channel("u32", 65_535)


def test_fields_that_overlap_share_one_read() -> None:
    words = registers(struct.pack(">f", 230.5) + b"\x00\x09" + b"AB\0\0" + b"\x12\x34")
    wanted = [
        channel("f32", 1),
        channel("bool", 1, bit=14),
        channel("u8h", 2),
        channel("u32", 2),
        channel("u16", 3, flags={0: "door_open"}),
        channel("u64", 3),
        channel("str", 4, length=2),
        channel("bcd16", 6),
        channel("dec", 3, length=1),
    ]

    (request,) = plan(wanted, Limits(), Cost.tcp())
    values, flags = decode_reply(request, words)

    assert (request.address, request.count) == (1, 6)
    assert values == {
        "c_1_f32": 230.5,
        "c_1_bool": True,
        "c_2_u8h": 0x80,
        "c_2_u32": 0x8000_0009,
        "c_3_u16": "door_open,bit3",
        "c_3_u64": 0x0009_4142_0000_1234,
        "c_4_str": "AB",
        "c_6_bcd16": 1234,
    }
    assert {name: str(flag) for name, flag in flags.items()} == {"c_3_dec": "bad:not_valid"}


@given(
    words=st.lists(st.integers(0, 65_535), min_size=12, max_size=12),
    places=st.lists(
        st.tuples(st.sampled_from(sorted(NATURAL)), st.integers(0, 8)), min_size=1, unique=True
    ),
)
def test_what_is_read_with_others_is_what_is_read_alone(
    words: list[int], places: list[tuple[str, int]]
) -> None:
    wanted = [channel(kind, address) for kind, address in places]

    together: dict[str, Any] = {}
    for request in plan(wanted, Limits(), Cost.tcp()):
        values, flags = decode_reply(request, words[request.address : request.end])
        together |= values | flags

    for one in wanted:
        values, flags = decode_reply(Request.of([one]), words[one.address : one.end])
        assert together[one.id] == (values | flags)[one.id]
