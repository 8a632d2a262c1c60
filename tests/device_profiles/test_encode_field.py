"""Promise: what a simulated device has to say for a value is what is read back as that value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.channel import FieldChannel
from device_profiles.encode import NotEncodable, encode_field
from device_profiles.fields import interpreter


def channel(kind: str, **more: Any) -> FieldChannel:  # noqa: ANN401 - a channel's keys
    return FieldChannel.model_validate({"id": "c", "field": "f", "type": kind, **more})


@pytest.mark.parametrize(
    ("kind", "value", "raw"), [("float", 7, 7.0), ("bool", 1, True), ("str", 58, "58")]
)
def test_a_plain_value_is_said_in_the_fields_type(kind: str, value: float, raw: object) -> None:
    said = encode_field(channel(kind), value)

    assert said == raw
    assert type(said) is type(raw)


def test_between_two_steps_the_nearest_is_said() -> None:
    assert encode_field(channel("int", scale=0.1), 230.16) == 2302


def test_names_become_codes_and_bits() -> None:
    flags = {0: "preempt", 2: "local_override"}

    assert encode_field(channel("int", enum={254: "flash"}), "flash") == 254
    assert encode_field(channel("int", flags=flags), "preempt,local_override,bit3") == 0b1101
    assert encode_field(channel("int", flags=flags), "none") == 0


@pytest.mark.parametrize(
    ("kind", "more", "value", "why"),
    [
        ("int", {}, "high", "text is no int"),
        ("bool", {}, "false", "text is no bool"),
        ("float", {}, float("inf"), "inf"),
        ("int", {"enum": {1: "on"}}, "off", "known are on"),
        ("int", {"flags": {1: "on"}}, "off", "it has no flag off"),
    ],
)
def test_what_a_channel_cannot_say_is_told(
    kind: str, more: dict[str, Any], value: object, why: str
) -> None:
    with pytest.raises(NotEncodable, match=f"channel 'c' cannot say .*{why}"):
        encode_field(channel(kind, **more), value)  # type: ignore[arg-type] # any of a scenario


@given(
    raw=st.integers(-(10**9), 10**9),
    power=st.integers(-6, 6),
    offset=st.sampled_from(["0", "-40", "0.05"]),
)
def test_scaling_is_undone_exactly(raw: int, power: int, offset: str) -> None:
    scaled = channel("int", scale=Decimal(1).scaleb(power), offset=offset)
    value = interpreter(scaled)(raw)

    assert encode_field(scaled, value) == raw  # type: ignore[arg-type] # it is a number


@given(bits=st.integers(0, 2**64 - 1))
def test_named_bits_are_undone_exactly(bits: int) -> None:
    coded = channel("int", flags={3: "door_open"})
    value = interpreter(coded)(bits)

    assert encode_field(coded, value) == bits  # type: ignore[arg-type] # it is text
