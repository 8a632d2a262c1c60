"""One channel's evidence on its way from the device to the store and back, and the verdict.

A verdict names the first thing that is wrong, in the order in which a technician looks for it:
read, usable, stored, the same when read back, as the reference instrument says, not doubted.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from telemetry.sample import Flag, Quality

if TYPE_CHECKING:
    from telemetry.sample import Value

_REFERENCE = re.compile(
    r"(?P<point>[^=\s]+)\s*=\s*(?P<value>.*?)\s*(?:(?:\+-|\+/-|±)\s*(?P<off>.+))?"
)


class NoReference(ValueError):
    """The text is no reference reading."""


class Finding(StrEnum):
    """What came of one channel."""

    GOOD = "good"
    WAIVED = "waived"
    NOT_READ = "not_read"
    NO_REPLY = "no_reply"
    NO_VALUE = "no_value"
    NOT_STORED = "not_stored"
    NOT_FOUND = "not_found"
    DIFFERS = "differs"
    OFF = "off"
    DOUBTED = "doubted"

    @property
    def passes(self) -> bool:
        """Whether the channel can be accepted."""
        return self in (Finding.GOOD, Finding.WAIVED)


@dataclass(frozen=True, slots=True)
class Reference:
    """What an instrument of the technician's own says, and how far off the channel may be."""

    value: float | str
    tolerance: float = 0.0

    def allows(self, value: Value) -> bool:
        """Whether the channel agrees with it."""
        if isinstance(self.value, str):
            return str(value).casefold() == self.value.casefold()
        if isinstance(value, str):
            return False
        # What is as far off as allowed is allowed: 230.1 - 230 is a little more than 0.1.
        return abs(float(value) - self.value) <= self.tolerance + 1e-9 * max(1.0, abs(self.value))

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """Point and reference in `meter-1.voltage=230+-2` (or `±2`, `+-1%`, `=open`).

        Raises:
            NoReference: if it is none.
        """
        found = _REFERENCE.fullmatch(text.strip())
        if found is None or not found["value"]:
            raise NoReference(f"{text!r} should be such as meter-1.voltage=230+-2")
        value, off = _number(found["value"]), found["off"]
        if value is None:
            if off is not None:
                raise NoReference(f"{text!r}: {found['value']!r} is no number")
            return found["point"], cls(found["value"])
        return found["point"], cls(value, 0.0 if off is None else _tolerance(text, off, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the agent read: when (ms since epoch), and whether a receipt says it is stored."""

    at: int
    value: Value | None
    flag: Flag | None
    stored: bool


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the collector's store holds of that reading; None if it holds none."""

    value: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One channel of one device, with all that is known of it.

    Attributes:
        reading: None while nothing was read.
        read_back: None if the collector was not asked.
        waived: why the channel need not work, or nothing.
    """

    channel: str
    unit: str
    label: str = ""
    reading: Reading | None = None
    read_back: ReadBack | None = None
    reference: Reference | None = None
    waived: str = ""

    @property
    def value(self) -> Value | None:
        """What was read."""
        return None if self.reading is None else self.reading.value

    @property
    def finding(self) -> Finding:
        """The verdict."""
        found = self._found()
        return Finding.WAIVED if self.waived and not found.passes else found

    def _found(self) -> Finding:
        if self.reading is None:
            return Finding.NOT_READ
        if self.reading.value is None:
            return _without_value(self.reading.flag)
        return self._stored(self.reading.value, self.reading)

    def _stored(self, value: Value, reading: Reading) -> Finding:
        if not reading.stored:
            return Finding.NOT_STORED
        if self.read_back is not None and self.read_back.value is None:
            return Finding.NOT_FOUND
        if self.read_back is not None and not is_same(value, self.read_back.value):
            return Finding.DIFFERS
        if self.reference is not None and not self.reference.allows(value):
            return Finding.OFF
        return Finding.GOOD if reading.flag is None else Finding.DOUBTED


def is_same(read: Value, stored: Value | None) -> bool:
    """Whether a store gave back what was read; some keep a truth value as a number."""
    if isinstance(read, str) or isinstance(stored, str) or stored is None:
        return read == stored
    return float(read) == float(stored)


def _without_value(flag: Flag | None) -> Finding:
    if flag is not None and flag.quality is Quality.MISSING:
        return Finding.NO_REPLY
    return Finding.NO_VALUE


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _tolerance(text: str, off: str, value: float) -> float:
    number = _number(off.strip().removesuffix("%"))
    if number is None or number < 0:
        raise NoReference(f"{text!r}: {off!r} is no tolerance such as 2 or 1%")
    return abs(value) * number / 100 if off.strip().endswith("%") else number
