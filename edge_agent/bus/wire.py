"""The times of a serial line."""

from __future__ import annotations

from dataclasses import dataclass

FAST_SILENCE = 1.75e-3
"""Seconds of silence between frames above 19200 baud (Modbus over Serial Line V1.02, §2.5.1.1)."""

FAST_ABOVE = 19_200


@dataclass(frozen=True, slots=True)
class Wire:
    """A serial line: `baud` bits a second, `bits` a character with start, parity and stop bits."""

    baud: int
    bits: int

    @property
    def character(self) -> float:
        """Seconds that one character takes."""
        return self.bits / self.baud

    @property
    def silence(self) -> float:
        """Seconds that part two frames: 3.5 characters."""
        return FAST_SILENCE if self.baud > FAST_ABOVE else 3.5 * self.character
