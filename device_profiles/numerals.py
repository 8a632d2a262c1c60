"""Raw bits and the number that they write: two's complement, IEEE 754, decimal digits, ASCII."""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from device_profiles.registers import Type
from telemetry.sample import NOT_A_NUMBER, NOT_VALID, SENTINEL, Flag

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

Number = int | float

EXPONENTS: Final = range(-10, 11)
"""The scale factors that SunSpec knows; any other is none, first of all 0x8000 (SunSpec Device
Information Model Specification V1.1)."""

_FLOATS: Final = {2: struct.Struct(">e"), 4: struct.Struct(">f"), 8: struct.Struct(">d")}
_SHORTER: Final = (".6g", ".7g", ".8g")
"""Spellings of a number of 32 bits that may do; 9 digits always do."""

_ASCII: Final = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")


def reader(kind: Type) -> Callable[[int], Number | Flag] | None:
    """The unsigned number as what its type says; None where they are the same."""
    bits = kind.number_bits
    match kind:
        case Type.F16 | Type.F32 | Type.F64:
            return _float_reader(bits // 8)
        case Type.BCD16 | Type.BCD32 | Type.BCD64:
            return _decimal_digits
        case Type.SUNSSF:
            return _exponent
        case _ if kind.is_signed:
            sign, modulus = 1 << (bits - 1), 1 << bits
            return lambda raw: raw - modulus if raw >= sign else raw
        case _:
            return None


def raw_of(kind: Type, number: Decimal, bits: int) -> int:
    """The unsigned number of `bits` bits that writes `number`, rounded to what the type has.

    Raises:
        ValueError, ArithmeticError, struct.error: if the type cannot write it.
    """
    if kind.is_float:
        return int.from_bytes(_FLOATS[bits // 8].pack(number), "big")
    whole = int(number.to_integral_value())
    if kind is Type.SUNSSF and whole not in EXPONENTS:
        raise ValueError(f"{whole} is no exponent of {EXPONENTS}")
    if kind in (Type.BCD16, Type.BCD32, Type.BCD64):
        whole = int(str(whole), 16)
    least = -(1 << (bits - 1)) if kind.is_signed else 0
    if not least <= whole < least + (1 << bits):
        raise ValueError(f"raw {whole} does not fit into {bits} bits")
    return whole & ((1 << bits) - 1)


def written(characters: bytes) -> Fraction | Flag:
    """The number that ASCII characters write, exactly."""
    text = characters.strip()
    return Fraction(text.decode()) if _ASCII.fullmatch(text) else NOT_VALID


def _float_reader(size: int) -> Callable[[int], float | Flag]:
    unpack = _FLOATS[size].unpack
    is_single = size == _FLOATS[4].size

    def read(raw: int) -> float | Flag:
        binary = raw.to_bytes(size, "big")
        number: float = unpack(binary)[0]
        if not math.isfinite(number):
            return NOT_A_NUMBER
        return _shortest(number, binary) if is_single else number

    return read


def _shortest(number: float, binary: bytes) -> float:
    """The decimal that the device means: 230.1, where its 32 bits are 230.10000610351562.

    It is the shortest one that the same bytes stand for, so nothing is lost; 6 digits always
    survive in 32 bits, and 9 always tell them apart. A whole number is what it is: a counter's
    last digits are not rounded away. Nor are those of 16 bits, which hold but 3 digits: there the
    shortest would be up to 1 in 2048 away from what the bytes say.
    """
    if number.is_integer():
        return number
    pack = _FLOATS[4].pack
    for spelling in _SHORTER:
        decimal = float(format(number, spelling))
        if pack(decimal) == binary:
            return decimal
    return float(format(number, ".9g"))


def _decimal_digits(raw: int) -> int | Flag:
    try:
        return int(f"{raw:x}")
    except ValueError:
        return NOT_VALID


def _exponent(raw: int) -> int | Flag:
    exponent = raw - 0x10000 if raw >= 0x8000 else raw  # noqa: PLR2004 - 16 bits, two's complement
    return exponent if exponent in EXPONENTS else SENTINEL
