"""When the last byte on a serial line ended, as opposed to when we were told.

A UART's FIFO tells of bytes when it is filled to some mark (8 to 56 bytes), or when 4 characters of
silence have passed; a USB adapter when its buffer (62 bytes) is full or its latency timer (1 to 16
ms) runs out; and a busy machine later still. Pausing t3.5 from that moment would wait twice.

Bytes of one frame follow each other without a pause, so of `n` bytes that were told of at once, the
last ended at the latest `n` characters after the last byte told of before. Whichever is the earlier
holds: that, or the moment at which we were told. Two things would make it too early, and are in it:
a sender whose clock is slow, and one that pauses between characters, which shows in the pace at
which pieces come. A reply that comes as one piece ended when it came: nothing tells better.
"""

from __future__ import annotations

SLOWEST = 1.02
"""A character may take so much longer than ours: a receiver samples the middle of the last of ten
bits, so that two clocks that are further apart than about 4 % do not understand each other at all,
and those of real devices are within 2 %."""


class Hearing:
    """The end of the last byte, for a line whose characters take `character` seconds."""

    def __init__(self, character: float, at: float) -> None:
        self.at = at
        """Seconds, of whichever clock the caller uses."""
        self._character = character * SLOWEST
        self._first: float | None = None
        self._last = at
        self._since_first = 0

    def begin(self) -> None:
        """What comes next belongs to another frame."""
        self._first = None

    def heard(self, count: int, at: float) -> None:
        """Told at `at` of `count` bytes more."""
        if self._first is None:
            self._first, self._since_first, self.at = at, 0, at
        else:
            self.at = min(at, self.at + count * self._pace())
            self._since_first += count
        self._last = at

    def _pace(self) -> float:
        """Seconds that a character takes, by what was told before this piece."""
        if not self._since_first or self._first is None:
            return self._character
        return max(self._character, (self._last - self._first) / self._since_first)
