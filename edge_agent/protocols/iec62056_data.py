"""Data sets of IEC 62056-21: `1-0:1.8.0*255(0000502.853*kWh)`, a code and values in brackets.

A field without `A-B:` or `*F` takes the data set of any medium and channel, and of now (no `F`, or
255); the first that fits counts. Behind the code, after a blank, a field may say the unit that it
must have, which also chooses among several brackets, or `text` for what is no number. Without
either it is the first bracket that holds a number, as a time may stand before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from telemetry.sample import ILLEGAL_ADDRESS, NOT_A_NUMBER, Flag, Quality, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WRONG_UNIT = Flag(Quality.BAD, "wrong_unit")
"""The meter gives the value in another unit than the profile was written for."""

TEXT = "text"

_SET = re.compile(r"([^\s()/!]{1,32})((?:\([^()]*\)\s*)+)")
_BRACKET = re.compile(r"\(([^()]*)\)")
_CODE = re.compile(r"(?:(?P<medium>[^:]+):)?(?P<value>[^*&:]+)(?:[*&](?P<period>.+))?")
_FIELD = re.compile(r"([^\s()/!]{1,32})(?: (\S{1,16}))?")
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d*)?)(?:[* ]([^*]*))?")
_NOW = (None, "255")


class Code(NamedTuple):
    """What is measured, of which medium and channel, and for which billing period."""

    medium: str | None
    value: str
    period: str | None

    def covers(self, said: Code) -> bool:
        """Whether a data set's code is one that this asks for."""
        return (
            self.value == said.value
            and self.medium in (None, said.medium)
            and (self.period == said.period or (self.period is None and said.period in _NOW))
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field: its code, and the unit that it must have; `unit` may be `text`, or nothing."""

    field: str
    code: Code
    unit: str

    def value(self, brackets: Sequence[str]) -> Value | Flag:
        """The value among a data set's brackets."""
        if self.unit == TEXT:
            return brackets[0].strip()
        numbers = [match for text in brackets if (match := _NUMBER.fullmatch(text.strip()))]
        if not numbers:
            return NOT_A_NUMBER
        for match in numbers:
            if self.unit.casefold() in ("", (match[2] or "").strip().casefold()):
                return float(match[1]) if "." in match[1] else int(match[1])
        return WRONG_UNIT


def wanted(field: str) -> Wanted:
    """What a field asks for.

    Raises:
        ValueError: if it is none.
    """
    match = _FIELD.fullmatch(field)
    code = _code(match[1]) if match else None
    if match is None or code is None:
        raise ValueError(f"field {field!r} should be such as 1.8.0, 1-0:1.8.0 or 1.8.0 kWh")
    return Wanted(field, code, match[2] or "")


def fields_of(text: str, asked: Sequence[Wanted]) -> Mapping[str, Value | Flag]:
    """What a readout says of the fields; those that it does not name are flagged."""
    sets = list(_data_sets(text))
    return {each.field: _pick(each, sets) for each in asked}


def _pick(each: Wanted, sets: Sequence[tuple[Code, list[str]]]) -> Value | Flag:
    for code, brackets in sets:
        if each.code.covers(code):
            return each.value(brackets)
    return ILLEGAL_ADDRESS


def _data_sets(text: str) -> Iterator[tuple[Code, list[str]]]:
    for match in _SET.finditer(text):
        if (code := _code(match[1])) is not None:
            yield code, _BRACKET.findall(match[2])


def _code(text: str) -> Code | None:
    match = _CODE.fullmatch(text)
    return Code(match["medium"], match["value"], match["period"]) if match else None
