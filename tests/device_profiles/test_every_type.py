"""Promise: every type, in every order of its bytes, says what its bytes say, and can be said back.

What is expected comes from `struct`, `decimal`, `time` and `socket`, not from our own encoder.
"""

from __future__ import annotations

import socket
import struct
import time
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device_profiles.channel import RegisterChannel
from device_profiles.decode import Doubted, decoder
from device_profiles.encode import NotEncodable, encode
from device_profiles.registers import Type, natural_order
from telemetry.sample import OVERFLOW, Flag, Quality, is_storable

LETTERS = "".join(chr(code) for code in range(65, 65 + 64))
FIRST, LAST = datetime(2000, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001 - a clock without zone
REGISTER = st.integers(0, 65_535)
BYTE = st.integers(0, 255)
SCALES = st.sampled_from([Decimal("0.1"), Decimal("0.001"), Decimal(10), Decimal(1) / 512])


class Said(NamedTuple):
    """The bytes of a value, most significant first, and the value."""

    data: bytes
    value: Any


def channel(kind: Type, **more: Any) -> RegisterChannel:  # noqa: ANN401 - a channel's keys
    entry = {"id": "c", "table": "holding", "address": 0, "type": kind, **more}
    return RegisterChannel.model_validate(entry)


def on_the_wire(data: bytes, order: str, unused: int = 0) -> list[int]:
    """The registers that carry `data` in `order`."""
    placed = [unused if letter == "-" else data[LETTERS.index(letter)] for letter in order]
    return [high << 8 | low for high, low in zip(placed[::2], placed[1::2], strict=True)]


@st.composite
def integers(draw: st.DrawFn, kind: Type) -> Said:
    bits, signed = kind.number_bits, kind.is_signed
    low = -(2 ** (bits - 1)) if signed else 0
    number = draw(st.integers(low, low + 2**bits - 1))
    data = number.to_bytes(bits // 8, "big", signed=signed)
    other = draw(st.binary(min_size=1, max_size=1))
    if kind in (Type.U8H, Type.I8H):
        data = data + other
    if kind in (Type.U8L, Type.I8L):
        data = other + data
    return Said(data, number if number < 2**63 else OVERFLOW)


@st.composite
def floats(draw: st.DrawFn, letter: str, width: Literal[16, 32, 64]) -> Said:
    number = draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    data = struct.pack(f">{letter}", number)
    if width != 32 or number.is_integer():
        return Said(data, number)
    spellings = (float(f"{number:.{digits}g}") for digits in range(6, 18))
    return Said(data, next(one for one in spellings if packs(one, data)))


def packs(number: float, data: bytes) -> bool:
    try:
        return struct.pack(">f", number) == data
    except OverflowError:
        return False


@st.composite
def digits(draw: st.DrawFn, count: int) -> Said:
    written = draw(st.text("0123456789", min_size=count, max_size=count))
    return Said(bytes.fromhex(written), int(written))


@st.composite
def decimals(draw: st.DrawFn) -> Said:
    number = draw(st.decimals(-(10**9), 10**9, places=draw(st.integers(0, 6))))
    data = f"{draw(st.sampled_from(['', ' ', '  ']))}{number:f}".encode()
    return Said(data + b"\0" * (20 - len(data)), float(Fraction(number)))


@st.composite
def texts(draw: st.DrawFn) -> Said:
    written = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5))
    rubbish = draw(st.sampled_from([b"", b"\0\xff\x80", b"\0\0\0", b"   ", b" \0old"]))
    data = (written.encode() + rubbish).ljust(28, b"\0")
    return Said(data[:28], written.rstrip())


@st.composite
def moments(draw: st.DrawFn, kind: Type) -> Said:
    at = draw(st.datetimes(min_value=FIRST, max_value=LAST))
    fields = (at.month, at.day, at.hour, at.minute, at.second)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    if kind is Type.YMDHMS3:
        year = draw(st.sampled_from([at.year - 2000, at.year - 1900]))
        return Said(struct.pack(">6B", year, *fields), text)
    if kind is Type.YMDHMS6:
        year = draw(st.sampled_from([at.year - 2000, at.year]))
        return Said(struct.pack(">6H", year, *fields), text)
    weekday, summer = draw(st.integers(0, 7)), draw(st.sampled_from([0, 0x80]))
    milliseconds = 1000 * at.second + at.microsecond // 1000
    data = struct.pack(
        ">6BH",
        draw(BYTE),
        at.year - 2000,
        at.month,
        weekday << 5 | at.day,
        summer | at.hour,
        at.minute,
        milliseconds,
    )
    return Said(data, f"{text}.{at.microsecond // 1000:03}")


def seconds(number: int) -> Said:
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(number))
    return Said(number.to_bytes(4, "big"), text)


def address6(data: bytes) -> Said:
    return Said(data, socket.inet_ntop(socket.AF_INET6, data))


def exponent(number: int) -> Said:
    return Said(struct.pack(">h", number), number)


def bits_of(data: bytes) -> Said:
    return Said(data, bin(int.from_bytes(b"\1" + data, "big"))[3:])


def address4(data: bytes) -> Said:
    return Said(data, ".".join(map(str, data)))


def mac(data: bytes) -> Said:
    return Said(data, "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}".format(*data))


def is_no_ip4(data: bytes) -> bool:
    """Not an IPv4 address in IPv6's clothes, which C's library writes with dots."""
    return data[:10] != bytes(10)


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


SAID: dict[Type, st.SearchStrategy[Said]] = {
    **{kind: integers(kind) for kind in Type if kind.is_integer},
    Type.F16: floats("e", 16),
    Type.F32: floats("f", 32),
    Type.F64: floats("d", 64),
    Type.BCD16: digits(4),
    Type.BCD32: digits(8),
    Type.BCD64: digits(16),
    Type.SUNSSF: st.integers(-10, 10).map(exponent),
    Type.DEC: decimals(),
    Type.STR: texts(),
    Type.BITSTRING: exactly(6).map(bits_of),
    Type.IP4: exactly(4).map(address4),
    Type.IP6: exactly(16).filter(is_no_ip4).map(address6),
    Type.EUI48: exactly(6).map(mac),
    Type.UNIX32: st.integers(0, 2**32 - 1).map(seconds),
    Type.IEC870: moments(Type.IEC870),
    Type.YMDHMS3: moments(Type.YMDHMS3),
    Type.YMDHMS6: moments(Type.YMDHMS6),
}
"""Values of each type, with their bytes."""

KINDS = [kind for kind in Type if kind is not Type.BOOL]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_each_type_in_any_order_says_what_its_bytes_say(kind: Type, data: st.DataObject) -> None:
    wire, value = data.draw(SAID[kind])
    order = data.draw(orders(kind))
    one = channel(kind, order=order, **length_of(kind, wire))
    words = on_the_wire(wire, spread(order, one), unused=data.draw(BYTE))

    decoded = decoder(one)(words)

    assert decoded == value
    assert isinstance(decoded, Flag) or type(decoded).__name__ == one.stored


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_each_type_says_can_be_said_back(kind: Type, data: st.DataObject) -> None:
    wire, value = data.draw(SAID[kind])
    assume(not isinstance(value, Flag))
    one = channel(kind, order=data.draw(orders(kind)), **length_of(kind, wire))

    assert decoder(one)(encode(one, value)) == value


def orders(kind: Type) -> st.SearchStrategy[str]:
    return st.permutations(natural_order(kind)).map("".join)


def spread(order: str, one: RegisterChannel) -> str:
    """The order of one register, said for each of a text's registers."""
    if not one.type.has_length:
        return order
    pairs = zip(LETTERS[::2], LETTERS[1::2], strict=True)
    both = [(low, high) if order == "BA" else (high, low) for high, low in pairs]
    return "".join(first + second for first, second in both)[: 2 * one.width]


def length_of(kind: Type, wire: bytes) -> dict[str, int]:
    return {"length": len(wire) // 2} if kind.has_length else {}


@st.composite
def channels(draw: st.DrawFn) -> RegisterChannel:
    """Any channel of one register or more."""
    kind = draw(st.sampled_from(Type))
    more: dict[str, Any] = {"order": draw(orders(kind))}
    if kind.has_length:
        more["length"] = draw(st.integers(1, 10))
    if kind.is_characters:
        more["layout"] = draw(st.sampled_from(["both", "upper", "lower"]))
    if kind is Type.BOOL:
        more["bit"] = draw(st.integers(0, 15))
    if kind.unsigned_bits and draw(st.booleans()):
        lowest = draw(st.integers(0, kind.unsigned_bits - 1))
        more["bits"] = [lowest, draw(st.integers(1, kind.unsigned_bits - lowest))]
    match draw(st.sampled_from(["plain", "scale", "sf", "flags", "range"])):
        case "scale" if kind.is_number:
            more |= {"scale": draw(SCALES), "offset": draw(st.integers(-9, 9))}
        case "range" if kind.is_number:
            more["range"] = [0, 100]
        case "sf" if kind.is_integer:
            more["sf"] = "exponent"
        case "flags" if kind.unsigned_bits:
            more["flags"] = {0: "door_open"}
    return channel(kind, **more)


@given(st.data())
def test_whatever_the_registers_hold_the_outcome_can_be_stored(data: st.DataObject) -> None:
    one = data.draw(channels())
    words = data.draw(words_of(one))

    outcome = decoder(one)(words)

    if isinstance(outcome, Flag):
        assert outcome.quality is Quality.BAD
        return
    value = outcome.value if isinstance(outcome, Doubted) else outcome
    assert type(value).__name__ == one.stored
    assert is_storable(value)


@given(st.data())
def test_what_was_decoded_encodes_to_the_same_value(data: st.DataObject) -> None:
    one = data.draw(channels().filter(lambda c: not (c.type.is_float and c.is_scaled)))
    words = data.draw(words_of(one))
    outcome = decoder(one)(words)
    assume(not isinstance(outcome, Flag))
    value: Any = outcome.value if isinstance(outcome, Doubted) else outcome
    assume(not one.is_scaled or abs(value) < 1e9)
    power = words[-1] - 0x10000 if words[-1] >= 0x8000 else words[-1]

    try:
        again = encode(one, value, exponent=power if one.sf else 0)
    except NotEncodable:
        assert one.type is Type.DEC or one.type.is_time  # written longer, or a year that is over
        return

    assert decoder(one)(again + words[one.width :]) == outcome


def words_of(one: RegisterChannel) -> st.SearchStrategy[list[int]]:
    own = st.lists(REGISTER, min_size=one.width, max_size=one.width)
    if not one.sf:
        return own
    powers = st.one_of(REGISTER, st.integers(-12, 12).map(lambda n: n & 0xFFFF))
    return st.tuples(own, powers).map(lambda pair: [*pair[0], pair[1]])
