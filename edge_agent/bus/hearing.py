"""When the last byte on a serial line ended, as opposed to when we were told.

A UART tells of bytes when its FIFO is filled to some mark (8 to 56 bytes), or when 4 characters of
silence have passed; a USB adapter when its buffer (62 bytes) is full or its latency timer (1 to 16
ms) runs out; and a busy machine later still. Pausing t3.5 from that moment would wait twice.

The bytes of a frame follow each other at one pace, so of `n` bytes that were told of together, the
last ended at the latest `n` characters after the last byte told of before them. Whichever is the
earlier holds: that, or the moment at which we were told, for nobody is told too early. The pace is
the line's, or slower where the pieces came slower: some devices pause between characters, and no
two clocks are alike. Being told late makes each of these later, never earlier than the truth.

Of a reply that came in one or two pieces there is no pace, and it ended when we were told.
"""

from __future__ import annotations

from collections import deque

REMEMBERED = 64
"""Pieces by which the pace is judged; a frame has 256 bytes."""

KNOWN = 3
"""Pieces from which on a pace is known, and something to predict by it."""


class Hearing:
    """The end of the last byte, for a line whose characters take `character` seconds."""

    def __init__(self, character: float, at: float) -> None:
        self._character = character
        self._at = at
        self._total = 0
        self._pieces: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)

    def begin(self) -> None:
        """What comes next belongs to another frame."""
        self._at = self.at
        self._pieces.clear()

    def heard(self, count: int, at: float) -> None:
        """Told at `at` (seconds, of whichever clock the caller uses) of `count` bytes more."""
        self._total += count
        self._pieces.append((self._total, at))

    @property
    def at(self) -> float:
        """When the last byte ended, at the latest."""
        if not self._pieces:
            return self._at
        total, told = self._pieces[-1]
        if len(self._pieces) < KNOWN:
            return told
        before, then = self._pieces[-2]
        return min(told, then + (total - before) * self._pace(before, then))

    def _pace(self, total: int, at: float) -> float:
        """Seconds that a character took until then, at the most."""
        earlier = list(self._pieces)[:-2]
        return max(self._character, *((at - then) / (total - before) for before, then in earlier))
