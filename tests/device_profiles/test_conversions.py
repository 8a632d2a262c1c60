"""Promise: every conversion that Telegraf's own tests know gives a true value here.

`conversions.csv` has their cases as facts: a type, an order, a scale, bytes as they come over the
wire, and the value. The bytes are those of influxdata/telegraf, plugins/inputs/modbus/*_test.go at
commit b27263146617: all cases that write registers or coils and read a field, without the repeats
of one coil at other addresses. `asked` is the type that their configuration wants; here the type of
a value follows from the channel, so it changes nothing. Where theirs is another value, it stands in
`theirs`, and `why` says what is wrong with it:

- bool: a bit is a number there; here it is true or false.
- cut: a scaled value lost its fraction.
- wrapped: a negative number was asked for as an unsigned one.
- noise: digits that stand for no bit of the register: 3.1415927410125732 for 3.1415927.
- overflow: the number is beyond the 64 bits, with sign, of the stores; here that is a flag.
"""

from __future__ import annotations

import csv
import json
import struct
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from device_profiles.channel import RegisterChannel
from edge_agent.bus.request import Request, decode_reply
from telemetry.sample import INT_MAX, Flag


class Case(NamedTuple):
    """A line of the table."""

    style: str
    table: str
    address: str
    type: str
    order: str
    bit: str
    length: str
    scale: str
    asked: str
    hex: str
    value: str
    theirs: str
    why: str

    @property
    def expected(self) -> Any:  # noqa: ANN401 - any outcome
        """What decoding should give."""
        if self.value.startswith("bad:"):
            return Flag.parse(self.value)
        return self.value if self.type == "str" else json.loads(self.value)

    @property
    def channel(self) -> RegisterChannel:
        """What reads it."""
        keys = ("table", "address", "type", "order", "bit", "length", "scale")
        entry = {key: getattr(self, key) for key in keys if getattr(self, key)}
        return RegisterChannel.model_validate_strings({"id": "c", **entry})

    @property
    def words(self) -> list[int]:
        """What the reply carries."""
        data = bytes.fromhex(self.hex)
        if self.table == "coil":
            return list(data)
        return [high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True)]

    @property
    def octets(self) -> bytes:
        """The bytes of the value, most significant first."""
        data = bytes.fromhex(self.hex)
        if self.type == "str":
            return data if self.order == "AB" else b"".join(pairs_swapped(data))
        return bytes(data[self.order.index(letter)] for letter in sorted(self.order))


def pairs_swapped(data: bytes) -> list[bytes]:
    return [data[start : start + 2][::-1] for start in range(0, len(data), 2)]


with (Path(__file__).parent / "conversions.csv").open(encoding="utf-8", newline="") as _lines:
    CASES = [Case(*line) for line in csv.reader(_lines)][1:]


def name(case: Case) -> str:
    parts = (case.style, case.table, case.type, case.order, case.scale, case.asked, case.hex)
    return "-".join(part for part in parts if part)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_each_of_their_conversions_is_right_here(case: Case) -> None:
    channel = case.channel

    values, flags = decode_reply(Request.of([channel]), case.words)

    outcome = flags.get("c", values.get("c"))
    assert outcome == case.expected
    assert isinstance(outcome, Flag) or type(outcome).__name__ == channel.stored


FORMATS = {
    "u8h": ">Bx",
    "u8l": ">xB",
    "i8h": ">bx",
    "i8l": ">xb",
    "u16": ">H",
    "i16": ">h",
    "u32": ">I",
    "i32": ">i",
    "u64": ">Q",
    "i64": ">q",
    "f16": ">e",
    "f32": ">f",
    "f64": ">d",
}


@pytest.mark.parametrize("case", [case for case in CASES if case.type in FORMATS], ids=name)
def test_struct_and_fractions_say_the_same_as_the_table(case: Case) -> None:
    (raw,) = struct.unpack(FORMATS[case.type], case.octets)
    exact = Fraction(raw) * Fraction(case.scale or "1")

    if case.value == "bad:overflow":
        assert exact > INT_MAX
    elif case.type == "f32":
        assert struct.pack(">f", case.expected) == struct.pack(">f", exact)
    else:
        assert case.expected == type(case.expected)(exact)


@pytest.mark.parametrize("case", [c for c in CASES if c.type in ("bool", "str")], ids=name)
def test_the_bits_and_texts_of_the_table_are_those_of_its_bytes(case: Case) -> None:
    if case.type == "str":
        assert case.octets.rstrip(b"\0").decode() == case.expected
    elif case.table == "coil":
        assert case.expected is (case.hex == "01")
    else:
        bits = f"{int(case.hex, 16):016b}"
        assert case.expected is (bits[15 - int(case.bit)] == "1")


def test_the_table_says_what_is_wrong_wherever_it_has_another_value() -> None:
    assert all(bool(case.theirs) == bool(case.why) for case in CASES)


KINDS = {
    "coil": 8,
    "bool": 4,
    "u8h": 3,
    "u8l": 19,
    "i8h": 3,
    "i8l": 15,
    "u16": 19,
    "i16": 17,
    "u32": 19,
    "i32": 20,
    "u64": 18,
    "i64": 18,
    "f16": 10,
    "f32": 12,
    "f64": 14,
    "str": 4,
}
WRONG = {"bool": 8, "cut": 5, "wrapped": 6, "noise": 14, "overflow": 3}


def test_none_of_their_cases_is_missing() -> None:
    kinds = Counter("coil" if case.table == "coil" else case.type for case in CASES)

    assert kinds == KINDS
    assert kinds.total() == 203
    assert Counter(case.why for case in CASES if case.why) == WRONG


def test_their_four_orders_and_all_scales_and_wishes_are_there() -> None:
    orders = {(case.type, case.order) for case in CASES}

    for kind in ("u32", "i32"):
        assert {(kind, order) for order in ("ABCD", "CDAB", "BADC", "DCBA")} <= orders
    for kind in ("u64", "i64", "f64"):
        assert {(kind, f"{o}") for o in ("ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA")} <= orders
    assert {case.scale for case in CASES} >= {"", "1", "0.1", "10", "0.001", "0.000001"}
    asked = {"native", "uint16", "bool", "int64", "uint64", "float64", "fixed"}
    assert {case.asked for case in CASES} == asked
