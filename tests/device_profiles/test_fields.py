"""Promise: what a field says becomes a true value, in decimal, or the flag that says why not."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.channel import FieldChannel
from device_profiles.decode import Doubted
from device_profiles.fields import interpreter
from telemetry.sample import (
    NOT_A_NUMBER,
    NOT_VALID,
    OUT_OF_RANGE,
    OVERFLOW,
    SENTINEL,
    UNKNOWN_CODE,
    Flag,
    Quality,
    Value,
    is_storable,
)


def channel(kind: str, **more: Any) -> FieldChannel:  # noqa: ANN401 - a channel's keys
    return FieldChannel.model_validate({"id": "c", "field": "f", "type": kind, **more})


def mean(kind: str, said: Value | Flag, **more: Any) -> Any:  # noqa: ANN401 - any outcome
    return interpreter(channel(kind, **more))(said)


@pytest.mark.parametrize(
    ("kind", "said"), [("float", 27.4), ("int", -3), ("bool", False), ("str", "ELS5")]
)
def test_a_plain_field_is_its_value(kind: str, said: Value) -> None:
    value = mean(kind, said)

    assert value == said
    assert type(value) is type(said)


def test_a_whole_number_is_a_float_too() -> None:
    assert repr(mean("float", 7)) == "7.0"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("int", 7.0), ("int", True), ("float", "7"), ("bool", 1), ("str", 7), ("str", "a" * 1025)],
)
def test_a_field_of_another_type_is_not_valid(kind: str, said: Value) -> None:
    assert mean(kind, said) == NOT_VALID


def test_a_field_is_scaled_in_decimal() -> None:
    assert mean("int", 2301, scale=0.1) == 230.1
    assert mean("float", 0.1, scale=3) == 0.3
    assert repr(mean("int", 2300, scale=0.1, offset=-30)) == "200.0"


def test_a_code_becomes_its_text() -> None:
    assert mean("int", 254, enum={254: "flash"}) == "flash"
    assert mean("int", 3, enum={254: "flash"}) == UNKNOWN_CODE


def test_set_bits_become_their_names_from_the_lowest() -> None:
    names = {0: "preempt", 2: "local_override"}

    assert mean("int", 0b1101, flags=names) == "preempt,local_override,bit3"
    assert mean("int", 0, flags=names) == "none"


def test_a_sentinel_is_no_value() -> None:
    assert mean("int", 210, nan_reasons={210: "stuck_on"}) == Flag(Quality.BAD, "stuck_on")
    assert mean("float", 9999.0, nan=[9999]) == SENTINEL


def test_a_flag_of_the_protocol_stays_what_it_is() -> None:
    assert mean("float", NOT_VALID, range=[0, 1]) == NOT_VALID


def test_a_value_out_of_range_is_kept_and_doubted() -> None:
    assert mean("int", 900, range=[0, 500]) == Doubted(900, OUT_OF_RANGE)


def test_what_no_store_can_hold_overflows() -> None:
    assert mean("int", 2**63) == OVERFLOW
    assert mean("float", 1e300, scale=1e20) == OVERFLOW
    assert mean("float", math.inf) == NOT_A_NUMBER


@given(raw=st.integers(-(2**63), 2**63 - 1), power=st.integers(-6, 6))
def test_scaling_is_exactly_decimal_arithmetic(raw: int, power: int) -> None:
    scale = Decimal(1).scaleb(power)

    value = mean("int", raw, scale=scale, offset=1)

    assert value == float(Fraction(raw) * Fraction(scale) + 1)


ANYTHING = st.one_of(st.integers(), st.floats(), st.booleans(), st.text())
MORE = st.sampled_from(
    [{}, {"scale": 0.01}, {"range": [0, 1]}, {"enum": {1: "on"}}, {"flags": {0: "on"}}]
)


@given(said=ANYTHING, kind=st.sampled_from(["float", "int", "bool", "str"]), more=MORE)
def test_whatever_a_field_says_the_outcome_can_be_stored(
    said: Value, kind: str, more: dict[str, Any]
) -> None:
    numeric = kind == "int" or (kind == "float" and not {"enum", "flags"} & set(more))
    one = channel(kind, **(more if numeric else {}))

    outcome = interpreter(one)(said)

    value = outcome.value if isinstance(outcome, Doubted) else outcome
    if not isinstance(value, Flag):
        assert type(value).__name__ == one.stored
        assert is_storable(value)
