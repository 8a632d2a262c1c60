"""Promise: what a store cannot hold is known before it is sent; flags read as they are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import sample
from telemetry.sample import INT_MAX, INT_MIN, TEXT_MAX, Flag, Quality, is_storable

flags = st.builds(
    Flag, st.sampled_from(Quality), st.from_regex(r"[a-z](?:_?[a-z0-9]){0,39}", fullmatch=True)
)


@given(flags)
def test_a_flag_reads_as_it_is_written(flag: Flag) -> None:
    assert Flag.parse(str(flag)) == flag


@given(st.text(max_size=30))
def test_other_text_is_no_flag(text: str) -> None:
    try:
        flag = Flag.parse(text)
    except ValueError:
        return
    assert str(flag) == text


@pytest.mark.parametrize("text", ["", "missing", "missing:", ":no_reply", "good:x", "missing:A b"])
def test_nearly_a_flag_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"flag|Quality"):
        Flag.parse(text)


def test_the_agent_s_own_flags_are_spelt_as_flags() -> None:
    own = [value for value in vars(sample).values() if isinstance(value, Flag)]

    assert len(own) == 16
    assert all(Flag.parse(str(flag)) == flag for flag in own)


def test_only_doubted_values_are_kept() -> None:
    keeping = {quality for quality in Quality if quality.keeps_value}

    assert keeping == {Quality.SUSPECT, Quality.CALIBRATING}


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        INT_MIN,
        INT_MAX,
        True,
        False,
        "",
        "x" * TEXT_MAX,
        "Cầu Giấy",
        "😀",
    ],
)
def test_a_store_can_hold_it(value: sample.Value) -> None:
    assert is_storable(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        INT_MIN - 1,
        INT_MAX + 1,
        "x" * (TEXT_MAX + 1),
        "a\ud800",
        None,
        [],
        {},
        b"",
    ],
)
def test_a_store_cannot_hold_it(value: sample.Value) -> None:
    assert not is_storable(value)
