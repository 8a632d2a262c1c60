"""Promise: registers become true values, in decimal, and whatever is no value becomes a flag."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from device_profiles.channel import RegisterChannel
from device_profiles.decode import Doubted, decoder
from device_profiles.encode import NotEncodable, encode
from telemetry.sample import (
    NOT_A_NUMBER,
    NOT_VALID,
    OUT_OF_RANGE,
    OVERFLOW,
    SENTINEL,
    UNKNOWN_CODE,
    Flag,
    Quality,
)


def channel(kind: str, **more: Any) -> RegisterChannel:  # noqa: ANN401 - a channel's keys
    entry = {"id": "c", "table": "holding", "address": 0, "type": kind, **more}
    return RegisterChannel.model_validate(entry)


def decode(kind: str, words: list[int], **more: Any) -> Any:  # noqa: ANN401 - any outcome
    return decoder(channel(kind, **more))(words)


@pytest.mark.parametrize(
    ("kind", "words", "value"),
    [
        ("u8h", [0x1234], 0x12),
        ("u8l", [0x1234], 0x34),
        ("u16", [0xFFFE], 65_534),
        ("i16", [0xFFFE], -2),
        ("u32", [0x0001, 0x0002], 65_538),
        ("i32", [0xFFFF, 0xFFFE], -2),
        ("u64", [0, 0, 1, 2], 65_538),
        ("i64", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2),
        ("f16", [0x3C00], 1.0),
        ("f32", [0x4366, 0x0000], 230.0),
        ("f64", [0x406C, 0xC333, 0x3333, 0x3333], 230.1),
        ("bcd16", [0x1234], 1234),
        ("bcd32", [0x1234, 0x5678], 12_345_678),
    ],
)
def test_each_type_reads_its_registers(kind: str, words: list[int], value: float) -> None:
    decoded = decode(kind, words)

    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", [0x0102, 0x0304]),
        ("CDAB", [0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403]),
        ("DCBA", [0x0403, 0x0201]),
        ("CABD", [0x0301, 0x0204]),
    ],
)
def test_order_says_which_byte_stands_where(order: str, words: list[int]) -> None:
    assert decode("u32", words, order=order) == 0x01020304


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCDEFGH", [0x0102, 0x0304, 0x0506, 0x0708]),
        ("GHEFCDAB", [0x0708, 0x0506, 0x0304, 0x0102]),
        ("BADCFEHG", [0x0201, 0x0403, 0x0605, 0x0807]),
        ("HGFEDCBA", [0x0807, 0x0605, 0x0403, 0x0201]),
    ],
)
def test_four_registers_have_eight_letters(order: str, words: list[int]) -> None:
    assert decode("u64", words, order=order) == 0x0102030405060708


def test_a_register_can_be_byte_swapped() -> None:
    assert decode("i16", [0xFEFF], order="BA") == -2


def test_a_bit_of_a_register_is_a_bool() -> None:
    assert decode("bool", [0b1000], bit=3) is True
    assert decode("bool", [0b0111], bit=3) is False


def test_a_coil_is_a_bool() -> None:
    assert decode("bool", [1], table="coil") is True
    assert decode("bool", [0], table="discrete") is False


def test_a_coil_is_encoded_as_one_bit() -> None:
    assert encode(channel("bool", table="coil"), value=True) == [1]


def test_a_part_of_a_register_is_a_number_of_its_own() -> None:
    assert decode("u16", [0b0000_0110_1000_0000], bits=[7, 4]) == 0b1101
    assert decode("u8h", [0xA500], bits=[4, 4]) == 0xA


def test_text_ends_at_its_first_nul() -> None:
    assert decode("str", [0x4162, 0x6300, 0x5A5A], length=3) == "Abc"
    assert decode("str", [0x6241, 0x0063], length=2, order="BA") == "Abc"
    assert decode("str", [0, 0], length=2) == ""


def test_text_that_is_no_text_is_not_valid() -> None:
    assert decode("str", [0xFFFF], length=1) == NOT_VALID


def test_digits_that_are_none_are_not_valid() -> None:
    assert decode("bcd16", [0x12A4]) == NOT_VALID


def test_a_tenth_is_a_tenth() -> None:
    assert decode("u16", [2301], scale=0.1) == 230.1
    assert repr(decode("u16", [2301], scale=0.1)) == "230.1"


def test_a_whole_value_of_a_scaled_channel_stays_a_float() -> None:
    assert repr(decode("u16", [2300], scale=0.1)) == "230.0"
    assert repr(decode("u16", [7], scale=10)) == "70.0"


def test_an_offset_is_added_after_scaling() -> None:
    assert decode("u16", [651], scale=0.1, offset=-40) == 25.1


def test_a_code_becomes_its_text() -> None:
    codes = {0: "normal", 0xFFFF: "over_power"}

    assert decode("u16", [0xFFFF], enum=codes) == "over_power"
    assert decode("u16", [1], enum=codes) == UNKNOWN_CODE
    assert decode("i16", [0xFFFF], enum={-1: "failed"}) == "failed"


def test_a_sentinel_is_no_value() -> None:
    assert decode("i16", [0x8000], nan=[0x8000], scale=0.1) == SENTINEL
    assert decode("u32", [0x6981, 0xFF67], order="CDAB", nan=[0xFF676981]) == SENTINEL


def test_a_sentinel_can_have_a_reason() -> None:
    outcome = decode("u8l", [210], nan_reasons={210: "stuck_on"})

    assert outcome == Flag(Quality.BAD, "stuck_on")


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0xFFC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_a_nan_or_an_infinity_is_not_a_number(words: list[int]) -> None:
    assert decode("f32", words) == NOT_A_NUMBER


def test_a_value_out_of_range_is_kept_and_doubted() -> None:
    assert decode("i16", [900], scale=0.1, range=[-40, 85]) == Doubted(90.0, OUT_OF_RANGE)
    assert decode("i16", [850], scale=0.1, range=[-40, 85]) == 85.0


def test_a_sentinel_is_not_doubted_for_its_range() -> None:
    assert decode("f32", [0x7FC0, 0], range=[0, 1]) == NOT_A_NUMBER


def test_an_unsigned_number_beyond_a_stores_integer_overflows() -> None:
    assert decode("u64", [0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF]) == 2**63 - 1
    assert decode("u64", [0x8000, 0, 0, 0]) == OVERFLOW
    assert decode("u64", [0x8000, 0, 0, 0], scale=0.001) == 2**63 / 1000


def test_a_float_that_scaling_takes_out_of_range_overflows() -> None:
    assert decode("f64", [0x7FE0, 0, 0, 0], scale=1000) == OVERFLOW


SCALES = st.one_of(
    st.integers(-9, 9).map(lambda power: Decimal(1).scaleb(power)),
    st.decimals(Decimal("0.0001"), Decimal(1000), places=4).filter(bool),
    st.sampled_from([Decimal(1) / 512, Decimal(1) / 64]),
)
OFFSETS = st.decimals(-1000, 1000, places=2)


@given(raw=st.integers(-(2**63), 2**63 - 1), scale=SCALES, offset=OFFSETS)
@example(raw=2301, scale=Decimal("0.1"), offset=Decimal(0))
@example(raw=2**53 + 1, scale=Decimal("0.1"), offset=Decimal(0))
def test_scaling_is_exactly_decimal_arithmetic(raw: int, scale: Decimal, offset: Decimal) -> None:
    assume(scale != 1 or offset != 0)
    words = list(struct.unpack(">4H", struct.pack(">q", raw)))

    value = decode("i64", words, scale=scale, offset=offset)

    assert value == float(Fraction(raw) * Fraction(scale) + Fraction(offset))


@given(raw=st.integers(0, 65_535), power=st.integers(1, 6))
def test_a_power_of_ten_prints_as_few_digits_as_it_has(raw: int, power: int) -> None:
    value = decode("u16", [raw], scale=Decimal(1).scaleb(-power))

    assert Decimal(repr(value)) == Decimal(raw).scaleb(-power)


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False), power=st.integers(1, 6))
def test_a_scaled_float_is_rounded_once(number: float, power: int) -> None:
    words = list(struct.unpack(">2H", struct.pack(">f", number)))

    value = decode("f32", words, scale=Decimal(1).scaleb(-power))

    assert value == float(Fraction(repr(meant(number))) / 10**power)


@given(
    number=st.floats(width=32, allow_nan=False, allow_infinity=False),
    scale=SCALES,
    offset=OFFSETS,
)
@example(number=172.4, scale=Decimal("0.1"), offset=Decimal(0))
@example(number=420.013, scale=Decimal("3.6"), offset=Decimal(0))
@example(number=26.36, scale=Decimal(1), offset=Decimal("-273.15"))
@example(number=143.02, scale=Decimal("1.8"), offset=Decimal(32))
def test_a_scaled_float_is_decimal_arithmetic_too(
    number: float, scale: Decimal, offset: Decimal
) -> None:
    assume(scale != 1 or offset != 0)
    words = list(struct.unpack(">2H", struct.pack(">f", number)))
    (held,) = struct.unpack(">f", struct.pack(">f", number))

    value = decode("f32", words, scale=scale, offset=offset)

    assert value == float(Fraction(repr(meant(held))) * Fraction(scale) + Fraction(offset))


def meant(number: float) -> float:
    """The shortest decimal with the same 32 bits, by trying one digit more and more."""
    assume(number == 0 or abs(number) >= 2**-126)  # below, fewer than 6 digits are told apart
    if number.is_integer():
        return number
    spellings = (float(f"{number:.{digits}g}") for digits in range(1, 18))
    same = (s for s in spellings if struct.pack(">f", s) == struct.pack(">f", number))
    return next(same)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ([0x4366, 0x199A], 230.1),
        ([0x43C9, 0xAA46], 403.33026),
        ([0x3DCC, 0xCCCD], 0.1),
        ([0x3DE6, 0xC5EB], 0.112682186),
        ([0x4C00, 0x0002], 33_554_440.0),
        ([0x0000, 0x0001], 1.4013e-45),
        ([0x7F7F, 0xFFFF], 340_282_346_638_528_859_811_704_183_484_516_925_440.0),
    ],
)
def test_a_float_of_32_bits_is_the_decimal_that_the_device_means(
    words: list[int], value: float
) -> None:
    assert decode("f32", words) == value


@pytest.mark.parametrize(
    ("word", "value"), [(0x2E66, 0.0999755859375), (0x5730, 115.0), (0xB814, -0.509765625)]
)
def test_a_float_of_16_bits_is_what_its_bits_say(word: int, value: float) -> None:
    assert decode("f16", [word]) == value


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_survives_encoding(number: float) -> None:
    one = channel("f32", order="CDAB")

    assert decoder(one)(encode(one, number)) == meant(number)


@pytest.mark.parametrize(
    ("kind", "more", "value"),
    [
        ("u16", {}, -1),
        ("u16", {}, 65_536),
        ("i16", {"scale": 0.1}, 3277.0),
        ("u16", {"enum": {0: "ok"}}, "broken"),
        ("u16", {}, "text"),
        ("f32", {}, 1e39),
        ("u16", {"scale": 0.1}, math.nan),
        ("str", {"length": 1}, "abc"),
        ("bcd16", {}, 12_345),
        ("u16", {"bits": [4, 2]}, 4),
    ],
)
def test_what_a_channel_cannot_say_is_refused(kind: str, more: Any, value: Any) -> None:  # noqa: ANN401 - a channel's keys
    with pytest.raises(NotEncodable, match="channel 'c' cannot say"):
        encode(channel(kind, **more), value)
