"""What one end of a serial line makes of bytes that the other end sends at another speed.

The line is a level in time: a start bit (low), eight data bits with the lowest first, a stop bit
(high). A receiver waits for the line to fall, then looks at the middle of each of its own bits.
At the same speed it finds the bytes that were sent; at another one it finds others.
"""

from __future__ import annotations

DATA_BITS = 8

FRAME_BITS = 1 + DATA_BITS + 1
"""Start, data and stop. Parity is left out: a pty does not even remember that it was asked for."""


def heard(data: bytes, *, sent: int, at: int) -> bytes:
    """The bytes that a receiver `at` one baud rate finds in what was `sent` at another.

    A byte whose stop bit is missing is kept, as a port in raw mode does.
    """
    if sent == at:
        return data
    if not sent:  # hung up, or a speed that nobody has a name for
        return b""
    line = _levels(data)
    found = bytearray()
    # Places on the line are counted in bits of the sender; one of the receiver's is `step` long.
    step = sent / at
    place = 0.0
    while (fall := _fall(line, place)) is not None:
        bits = (_level(line, fall + (bit + 1.5) * step) for bit in range(DATA_BITS))
        found.append(sum(level << bit for bit, level in enumerate(bits)))
        place = fall + (FRAME_BITS - 0.5) * step
    return bytes(found)


def _levels(data: bytes) -> list[int]:
    """The level of the line in each bit of the sender; before them it rests."""
    levels = [1]
    for byte in data:
        levels += (0, *(byte >> bit & 1 for bit in range(DATA_BITS)), 1)
    return levels


def _level(line: list[int], place: float) -> int:
    """The level there; a line that rests is high."""
    return line[int(place)] if place < len(line) else 1


def _fall(line: list[int], place: float) -> float | None:
    """Where the line falls next, or None if it rests from here on."""
    was = _level(line, place)
    for bit in range(int(place) + 1, len(line)):
        if was and not line[bit]:
            return float(bit)
        was = line[bit]
    return None
