"""Promise: a SunSpec scale factor scales exactly or says that there is none; no flag is hidden."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.channel import RegisterChannel
from device_profiles.decode import Doubted, decoder
from device_profiles.encode import NotEncodable, encode
from telemetry.sample import OUT_OF_RANGE, SENTINEL, UNKNOWN_CODE, Flag, Quality


def channel(kind: str, **more: Any) -> RegisterChannel:  # noqa: ANN401 - a channel's keys
    entry = {"id": "c", "table": "holding", "address": 0, "type": kind, **more}
    return RegisterChannel.model_validate(entry)


def decode(kind: str, words: list[int], **more: Any) -> Any:  # noqa: ANN401 - any outcome
    return decoder(channel(kind, **more))(words)


def test_a_scale_factor_is_a_power_of_ten() -> None:
    assert repr(decode("u16", [2301, 0xFFFF], sf="v_sf")) == "230.1"
    assert repr(decode("u16", [2301, 2], sf="v_sf")) == "230100.0"
    assert repr(decode("u16", [2301, 0], sf="v_sf")) == "2301.0"


@given(raw=st.integers(-(2**31), 2**31 - 1), power=st.integers(-10, 10))
def test_scaling_by_a_factor_is_decimal_arithmetic(raw: int, power: int) -> None:
    words = [raw >> 16 & 0xFFFF, raw & 0xFFFF, power & 0xFFFF]

    assert decode("i32", words, sf="w_sf") == float(Decimal(raw).scaleb(power))


@pytest.mark.parametrize("word", [0x8000, 0x7FFF, 11, 0xFFF5])
def test_a_factor_that_is_not_implemented_gives_no_value(word: int) -> None:
    assert decode("u16", [2301, word], sf="v_sf") == SENTINEL
    assert decode("sunssf", [word]) == SENTINEL


def test_a_scale_factor_is_a_channel_of_its_own() -> None:
    assert decode("sunssf", [0xFFFE]) == -2
    assert decode("sunssf", [0]) == 0


def test_the_sentinel_of_a_channel_counts_before_its_factor() -> None:
    reasons = {0x7FFF: "not_fitted"}

    assert decode("i16", [0x8000, 0xFFFF], sf="v_sf", nan=[0x8000]) == SENTINEL
    assert decode("i16", [0x7FFF, 0], sf="v_sf", nan_reasons=reasons) == Flag(
        Quality.BAD, "not_fitted"
    )


def test_a_range_is_of_the_scaled_value() -> None:
    assert decode("u16", [2301, 0xFFFF], sf="v_sf", range=[0, 300]) == 230.1
    assert decode("u16", [2301, 0], sf="v_sf", range=[0, 300]) == Doubted(2301.0, OUT_OF_RANGE)


def test_a_value_is_encoded_for_the_factor_that_is_said() -> None:
    one = channel("i16", sf="a_sf")

    assert encode(one, -12.5, exponent=-2) == [0xFB1E]
    with pytest.raises(NotEncodable, match="does not fit"):
        encode(one, 400.0, exponent=-2)


FLAGS = {0: "door_open", 3: "on_battery"}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0, "none"),
        (0b1, "door_open"),
        (0b1001, "door_open,on_battery"),
        (0b1010, "bit1,on_battery"),
        (0x8000, "bit15"),
    ],
)
def test_flags_are_the_names_of_the_set_bits(word: int, text: str) -> None:
    assert decode("u16", [word], flags=FLAGS) == text
    assert encode(channel("u16", flags=FLAGS), text) == [word]


def test_flags_can_be_a_part_of_a_register() -> None:
    assert decode("u16", [0b1001_0000_0110], flags=FLAGS, bits=[8, 4]) == "door_open,on_battery"
    assert decode("u8h", [0x0900], flags=FLAGS) == "door_open,on_battery"


def test_flags_and_codes_have_sentinels_too() -> None:
    assert decode("u16", [0xFFFF], flags=FLAGS, nan=[0xFFFF]) == SENTINEL
    assert decode("u16", [0xFFFF], enum={0: "off"}, nan=[0xFFFF]) == SENTINEL
    assert decode("u16", [2], enum={0: "off"}, nan=[0xFFFF]) == UNKNOWN_CODE
    assert decode("u16", [0x0F00], bits=[8, 4], nan=[15]) == SENTINEL
    assert decode("i8h", [0x8000], nan=[0x80]) == SENTINEL
    assert decode("bcd64", [0xFFFF] * 4, nan=[2**64 - 1]) == SENTINEL


def test_an_unknown_flag_is_not_said() -> None:
    with pytest.raises(NotEncodable, match="it has no flag on_fire"):
        encode(channel("u16", flags=FLAGS), "on_fire")
