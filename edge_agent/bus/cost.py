"""What a read takes of a bus's time: the wire's, and how fast a device answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from edge_agent.bus.wire import Wire

if TYPE_CHECKING:
    from device_profiles.registers import Table

FRAME_CHARS = 8 + 5
"""Characters of a read and its reply beside the data (Modbus over Serial Line V1.02, §2.3)."""

ASCII_CHARS = 17 + 11
"""The same in ASCII mode, which writes each byte as two characters (ibid., §2.5.2)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading takes on this bus, in seconds: for each byte of data, and each request."""

    char_seconds: float
    overhead_seconds: float

    @classmethod
    def serial(cls, baud: int, *, char_bits: int = 10, turnaround: float = 0.1) -> Self:
        """On a serial line; `turnaround`: seconds until the device starts to answer."""
        wire = Wire(baud=baud, bits=char_bits)
        frames = FRAME_CHARS * wire.character
        return cls(wire.character, frames + 2 * wire.silence + turnaround)

    @classmethod
    def ascii(cls, baud: int, *, char_bits: int = 10, turnaround: float = 0.1) -> Self:
        """On a serial line in ASCII mode, whose frames begin with a colon and need no silence."""
        character = Wire(baud=baud, bits=char_bits).character
        return cls(2 * character, ASCII_CHARS * character + turnaround)

    @classmethod
    def stream(cls, baud: int, *, char_bits: int = 10, turnaround: float = 0.1) -> Self:
        """On a serial line, in a protocol whose questions know all their bytes."""
        return cls(Wire(baud=baud, bits=char_bits).character, turnaround)

    @classmethod
    def tcp(cls, *, round_trip: float = 0.01) -> Self:
        """On a network, where only the number of requests counts."""
        return cls(1e-6, round_trip)

    def exchange(self, size: int) -> float:
        """How long `size` bytes take, there and back."""
        return self.overhead_seconds + self.char_seconds * size

    def read(self, table: Table, count: int) -> float:
        """How long it takes to read `count` registers or bits."""
        return self.overhead_seconds + self.char_seconds * (
            count / 8 if table.is_bits else 2 * count
        )
