"""The bytes of an M-Bus record as a value: numbers, text, dates (EN 13757-3, annex A)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from edge_agent.protocols.floats import little_endian
from telemetry.sample import INT_MAX, INT_MIN, NOT_A_NUMBER, NOT_VALID, OVERFLOW, Flag

if TYPE_CHECKING:
    from edge_agent.protocols.mbus_meaning import Meaning
    from telemetry.sample import Value

NUMBERS_AS_TEXT: Final = frozenset({"fabrication_no", "identification"})
"""What a meter is called: digits that are no amount, and of which leading zeros count."""

BIT_FIELDS: Final = frozenset({"error_flags", "error_masks", "digital_output", "digital_input"})
"""Quantities whose binary numbers have no sign."""

TIMES: Final = frozenset({"DATE", "TIME", "DATE_TIME", "DATE_TIME_S"})

CENTURY_FROM: Final = 80
"""Years above it are of the 20th century where the century is not said."""

INVALID: Final = 0x80
PRINTABLE: Final = range(0x20, 0x7F)


class Form(Enum):
    """What a value's bytes are."""

    NONE = auto()
    BINARY = auto()
    REAL = auto()
    BCD = auto()
    NEGATIVE_BCD = auto()
    LONG_BINARY = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Raw:
    """A record's bytes, low byte first, and what its codes say of them."""

    form: Form
    data: bytes
    meaning: Meaning


def value(raw: Raw) -> Value | Flag:
    """What the record says, in its base unit."""
    if not raw.data:
        return "" if raw.form is Form.TEXT else NOT_VALID
    if raw.meaning.unit in TIMES:
        return instant(raw.data)
    match raw.form:
        case Form.TEXT:
            return _text(raw.data)
        case Form.LONG_BINARY:
            return raw.data[::-1].hex(" ").upper()
        case Form.BCD | Form.BINARY if raw.meaning.quantity in NUMBERS_AS_TEXT:
            binary = str(int.from_bytes(raw.data, "little"))
            return binary if raw.form is Form.BINARY else raw.data[::-1].hex().upper()
        case _:
            number = _number(raw)
            return number if isinstance(number, Flag) else scaled(number, raw.meaning.factor)


def _number(raw: Raw) -> float | Flag:
    match raw.form:
        case Form.REAL:
            return little_endian(raw.data)
        case Form.BCD:
            return bcd(raw.data)
        case Form.NEGATIVE_BCD:
            digits = bcd(raw.data)
            return digits if isinstance(digits, Flag) else -digits
        case _ if raw.meaning.quantity in BIT_FIELDS:
            return int.from_bytes(raw.data, "little")
        case _:
            return _signed(raw.data)


def scaled(number: float, factor: Decimal) -> Value | Flag:
    """The number times the factor, rounded once: whole if both are, otherwise the nearest float."""
    product = Decimal(repr(number)) * factor
    if not isinstance(number, int) or factor != factor.to_integral_value():
        return float(product)
    return int(product) if INT_MIN <= product <= INT_MAX else OVERFLOW


def bcd(data: bytes) -> int | Flag:
    """Decimal digits; F in the highest is a minus, other letters say that there is no value."""
    digits = data[::-1].hex()
    sign = -1 if digits.startswith("f") else 1
    digits = digits.removeprefix("f")
    return sign * int(digits) if digits.isdecimal() else NOT_A_NUMBER


def _signed(data: bytes) -> int | Flag:
    number = int.from_bytes(data, "little", signed=True)
    return NOT_VALID if number == -1 << (8 * len(data) - 1) else number


def _text(data: bytes) -> str:
    """Text comes last character first; what is none is shown as hex digits."""
    characters = data[::-1]
    if all(byte in PRINTABLE for byte in characters):
        return characters.decode("ascii")
    return characters.hex(" ").upper()


def instant(data: bytes) -> str | Flag:
    """An instant of types F, G, I or J by the meter's clock, which has no zone, in ISO 8601."""
    try:
        match len(data):
            case 2:
                return _date(data[0], data[1])
            case 3:
                return _time(data[2], data[1], data[0])
            case 4 if not data[0] & INVALID:
                day = _date(data[2], data[3], century=data[1] >> 5 & 3)
                return f"{day}T{_time(data[1], data[0])}"
            case 6 if not data[1] & INVALID:
                return f"{_date(data[3], data[4])}T{_time(data[2], data[1], data[0])}"
    except ValueError:  # month 0: the meter has no date to tell
        return NOT_VALID
    return NOT_VALID


def _date(low: int, high: int, century: int = 0) -> str:
    year = low >> 5 | (high & 0xF0) >> 1
    if century == 0 and year <= CENTURY_FROM:
        century = 1
    return date(1900 + 100 * century + year, high & 0x0F, low & 0x1F).isoformat()


def _time(hour: int, minute: int, second: int = 0) -> str:
    return time(hour & 0x1F, minute & 0x3F, second & 0x3F).isoformat()
