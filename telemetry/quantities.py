"""Durations and sizes as people write them in a configuration: `10s`, `90 min`, `400d`, `2 GB`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_DIGITS = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_NUMBER = re.compile(rf"({_DIGITS})\s*([A-Za-z]*)")
_SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "y": 31_557_600}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}


def seconds(text: object) -> object:
    """Seconds in `10s`, `5 min`, `1.5h`, `400d`; a bare number is refused, for it has no unit.

    Raises:
        ValueError: if there is no number with a unit of time.
    """
    return _scaled(text, _SECONDS, "a duration such as 10s, 5min or 400d")


def size(text: object) -> object:
    """Bytes in `512kB`, `64 MiB`, `2GB`.

    Raises:
        ValueError: if there is no number with a unit of size.
    """
    scaled = _scaled(text, _BYTES, "a size such as 64MB or 2GB")
    return round(scaled) if isinstance(scaled, float) else scaled


def _scaled(text: object, units: dict[str, float] | dict[str, int], wanted: str) -> object:
    if isinstance(text, float) or (isinstance(text, int) and not isinstance(text, bool) and text):
        raise ValueError(f"should be {wanted}; {text} has no unit")
    if not isinstance(text, str):
        return text if type(text) is int else _refuse(wanted)
    match = _NUMBER.fullmatch(text.strip())
    if not match or match[2] not in units:
        return _refuse(wanted)
    return float(match[1]) * units[match[2]]


def _refuse(wanted: str) -> object:
    raise ValueError(f"should be {wanted}")


def _spelled(units: dict[str, float] | dict[str, int]) -> dict[str, object]:
    """The JSON schema of a number with one of these units, or 0."""
    pattern = rf"^\s*{_DIGITS}\s*({'|'.join(units)})\s*$"
    return {"anyOf": [{"type": "string", "pattern": pattern}, {"const": 0}]}


DURATION = _spelled(_SECONDS)
"""The JSON schema of a duration as people write it."""

Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema(DURATION)]
"""A duration in seconds, written with its unit."""

Size = Annotated[int, BeforeValidator(size), WithJsonSchema(_spelled(_BYTES))]
"""A size in bytes, written with its unit."""
