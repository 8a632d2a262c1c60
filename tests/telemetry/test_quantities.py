"""Promise: a duration or a size is what its text says, and a number without a unit is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from telemetry.quantities import Seconds, Size, seconds, size


class Part(BaseModel):
    """A part of a configuration with both."""

    wait: Seconds = 0
    room: Size = 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("10 s", 10),
        (" 1.5h ", 5400),
        ("5m", 300),
        ("5 min", 300),
        ("400d", 34_560_000),
        ("1y", 31_557_600),
        ("0s", 0),
        (0, 0),
    ],
)
def test_a_duration_is_in_seconds(text: object, expected: float) -> None:
    assert Part.model_validate({"wait": text}).wait == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512B", 512),
        ("512kB", 512_000),
        ("64 MiB", 67_108_864),
        ("2GB", 2_000_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("2.3MB", 2_300_000),
        ("4.35kB", 4350),
        (0, 0),
    ],
)
def test_a_size_is_in_whole_bytes(text: object, expected: int) -> None:
    assert Part.model_validate({"room": text}).room == expected


@pytest.mark.parametrize("number", [1, -1, 10, 1.5, 0.0, math.inf])
def test_a_number_without_a_unit_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"should be a duration such as .*has no unit"):
        seconds(number)
    with pytest.raises(ValueError, match=r"should be a size such as .*has no unit"):
        size(number)


@pytest.mark.parametrize(
    "text", ["", "s", "10", "10 parsecs", "-1s", "1e3s", "1,5h", "1 s 2", "\u0661s"]
)
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="should be a duration"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "MB", "10", "10 mb", "-1B", "1" * 400 + "B"])
def test_other_text_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="should be a size"):
        size(text)


@pytest.mark.parametrize("value", [True, False, None, [], {}])
def test_other_types_are_neither(value: object) -> None:
    with pytest.raises(ValidationError, match="should be a duration"):
        Part.model_validate({"wait": value})
    with pytest.raises(ValidationError, match="should be a size"):
        Part.model_validate({"room": value})


@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_refused(text: str) -> None:
    for read in (seconds, size):
        try:
            value = read(text)
        except ValueError:
            continue
        assert isinstance(value, (int, float))
        assert math.isfinite(value)
        assert value >= 0


@given(st.integers(0, 10**12))
def test_whole_bytes_stay_whole(count: int) -> None:
    assert size(f"{count} B") == count
    assert size(f"{count / 1000:.3f} kB") == count
