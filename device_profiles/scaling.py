"""Numbers to values: exact in decimal, `raw * scale + offset`, rounded once.

A whole number becomes one fraction of whole numbers, divided once, and Python rounds that division
correctly: 2301 at scale 0.1 is the float that 230.1 is. Of a binary float its shortest decimal is
what the device means, and is scaled as such: 172.4 at scale 0.1 is 17.24.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from device_profiles.numerals import Number
from device_profiles.registers import Type
from telemetry.sample import INT_MAX, INT_MIN, OVERFLOW, Flag

Scaler = Callable[[Number], float | int | Flag]

_EXACT: Final = Context(prec=100)
"""Digits enough for a float's 17 times a scale's, and what an offset leaves of them."""


def unscaled(kind: Type) -> Scaler:
    """The number itself, as far as a store can hold it."""
    if kind is Type.U64:
        return lambda number: number if INT_MIN <= number <= INT_MAX else OVERFLOW
    return lambda number: number


def scaled(kind: Type, scale: Decimal, offset: Decimal) -> Scaler:
    """`raw * scale + offset`; of whole numbers as `(raw * times + plus) / by`, all whole."""
    if kind.is_float:
        return _scaled_float(scale, offset)
    factor, plus_exactly = Fraction(scale), Fraction(offset)
    by = math.lcm(factor.denominator, plus_exactly.denominator)
    times, plus = int(factor * by), int(plus_exactly * by)
    if times == 1 and plus == 0:
        return lambda number: number / by
    return lambda number: (number * times + plus) / by


def written(scale: Decimal, offset: Decimal) -> Callable[[Fraction], float | Flag]:
    """A number that was written out is exact until it becomes a float."""
    factor, plus = Fraction(scale), Fraction(offset)

    def finish(number: Fraction) -> float | Flag:
        try:
            return float(number * factor + plus)
        except OverflowError:
            return OVERFLOW

    return finish


def _scaled_float(factor: Decimal, plus: Decimal) -> Scaler:
    def scale(number: Number) -> float | Flag:
        value = float(_EXACT.fma(Decimal(repr(number)), factor, plus))
        return value if math.isfinite(value) else OVERFLOW

    return scale
