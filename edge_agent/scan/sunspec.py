"""Where a SunSpec device's models begin: few reads, each of two registers.

    40000, 50000, 0: "SunS"? ─yes─► ID, length ─► ID, length ─► … ─► ID 0xFFFF, or what cannot be

A length leads to the next ID. What a device says is not trusted: the walk never turns back, ends
behind the last address, and after so many models as no device has.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.addressing import BASES, END_ID, HEAD, MARKER
from device_profiles.registers import ADDRESS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = 2
"""Registers that each read asks for: the marker, or an ID and a length."""

MOST_MODELS = 64
"""The longest chain that is walked; an inverter with its batteries has about thirty."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a device has.

    Attributes:
        id: its number.
        offset: the address of its ID register.
        length: registers behind its ID and its length.
    """

    id: int
    offset: int
    length: int


class Walk:
    """One device's chain; nothing here asks."""

    def __init__(self) -> None:
        self._bases = deque(BASES)
        self._link: int | None = None
        self._found: list[Model] = []

    @property
    def models(self) -> tuple[Model, ...]:
        """Those found so far, as they stand."""
        return tuple(self._found)

    @property
    def address(self) -> int | None:
        """The two holding registers to be read next; None when all is known."""
        if self._link is not None:
            return self._link
        return self._bases[0] if self._bases else None

    def tell(self, words: Sequence[int] | None) -> None:
        """What was read there; None: a refusal, or nothing."""
        if self._link is not None:
            self._link = self._next(self._link, words)
        elif words is not None and tuple(words) == MARKER:
            self._link = self._bases.popleft() + len(MARKER)
            self._bases.clear()
        else:
            self._bases.popleft()

    def _next(self, offset: int, words: Sequence[int] | None) -> int | None:
        """Where the next ID stands; None behind the last model."""
        if words is None or len(words) != WORDS:
            return None
        model = Model(words[0], offset, words[1])
        behind = offset + HEAD + model.length
        if model.id in (0, END_ID) or behind > ADDRESS_MAX + 1:
            return None
        self._found.append(model)
        is_last = behind + WORDS > ADDRESS_MAX + 1 or len(self._found) == MOST_MODELS
        return None if is_last else behind
