"""A serial line with a Modbus RTU slave on it, exact to the byte, on a pty in a process of its own.

Each byte reaches the master when its last bit would have, and not before: the process spins on a
clock while anything is under way. A UART's FIFO can be put before the master: it is told of bytes
when `fifo` of them are there, or after 4 characters of silence. Times are of `time.monotonic`,
which all processes share.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import select
import struct
import time
import tty
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parts.rtu_slave import REQUEST_BYTES, crc16, framed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from edge_agent.bus.stream import ByteStream

IDLE = 0.05
"""Seconds without anything under way after which the process sleeps until a request comes."""

FAST_SILENCE, FAST_ABOVE = 1.75e-3, 19_200
"""Modbus over Serial Line V1.02, §2.5.1.1."""


@dataclass(frozen=True)
class Pace:
    """How fast the line is, and what stands between it and the master.

    Attributes:
        fifo: bytes that a UART collects before it tells; 1 tells of each.
        stretch: how much slower than the master's the slave's own clock is (1.01 is 1 %).
        gap: characters of silence that the slave leaves between two bytes.
    """

    baud: int
    bits: int = 10
    fifo: int = 1
    stretch: float = 1.0
    gap: float = 0.0

    @property
    def character(self) -> float:
        """Seconds."""
        return self.bits / self.baud

    @property
    def silence(self) -> float:
        """Seconds between two frames."""
        return FAST_SILENCE if self.baud > FAST_ABOVE else 3.5 * self.character

    def limit(self, count: int) -> float:
        """Seconds that reading `count` registers takes at least, if the slave answers at once."""
        return (8 + 5 + 2 * count) * self.character + 2 * self.silence


@dataclass(frozen=True)
class Served:
    """When a request's last bit had been sent, and when its reply's had."""

    asked: float
    replied: float


@dataclass
class Wire:
    """What the master opens; `close` gives what was served."""

    port: Path
    pace: Pace
    _pipe: Connection
    served: list[Served] = field(default_factory=list)

    def finish(self) -> list[Served]:
        """End it."""
        self._pipe.send(None)
        self.served = self._pipe.recv()
        return self.served


@contextlib.contextmanager
def wire(port: Path, pace: Pace) -> Iterator[Wire]:
    """A line at `port`, for as long as the context lasts; register n says n."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(port, pace, theirs), daemon=True
    )
    process.start()
    try:
        ours.recv()
        yield Wire(port, pace, ours)
    finally:
        process.terminate()
        process.join()
        port.unlink(missing_ok=True)


class Watched:
    """A stream that notes when each request was written."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.written: list[float] = []
        self.open, self.close = stream.open, stream.close
        self.receive, self.pending = stream.receive, stream.pending
        self.set_line = stream.set_line

    @property
    def is_open(self) -> bool:
        """The stream's."""
        return self._stream.is_open

    @property
    def heard_at(self) -> float:
        """The stream's."""
        return self._stream.heard_at

    def write(self, data: bytes) -> None:
        """Note when, and send."""
        self.written.append(time.monotonic())
        self._stream.write(data)


def _serve(port: Path, pace: Pace, pipe: Connection) -> None:
    gc.disable()
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    port.symlink_to(os.ttyname(slave))
    pipe.send(None)
    line = _Line(master, pace)
    while not pipe.poll():
        if not line.step():
            select.select([master, pipe.fileno()], [], [], 1)
    pipe.recv()
    pipe.send(line.served)


class _Line:
    """The slave's end."""

    def __init__(self, master: int, pace: Pace) -> None:
        self.served: list[Served] = []
        self._master = master
        self._pace = pace
        self._request = b""
        self._due: list[tuple[float, bytes]] = []
        self._busy = time.monotonic()

    def step(self) -> bool:
        """Do what is due; whether anything may be under way."""
        for _ in range(2000):  # the pipe is looked at in between
            now = time.monotonic()
            self._deliver(now)
            with contextlib.suppress(BlockingIOError):
                self._take(os.read(self._master, 4096), time.monotonic())
        return bool(self._due) or now - self._busy < IDLE

    def _deliver(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            os.write(self._master, self._due.pop(0)[1])
            self._busy = now

    def _take(self, data: bytes, at: float) -> None:
        self._busy = at
        if not self._request:
            self._started = at
        self._request += data
        if len(self._request) >= REQUEST_BYTES:
            request, self._request = self._request, b""
            self._answer(request, self._started + REQUEST_BYTES * self._pace.character)

    def _answer(self, request: bytes, ended: float) -> None:
        if crc16(request[:-2]) != request[-2:]:
            return
        unit, function, address, count = struct.unpack(">BBHH", request[:-2])
        words = struct.pack(f">{count}H", *(n & 0xFFFF for n in range(address, address + count)))
        reply = framed(bytes([unit, function, len(words)]) + words)
        pace = self._pace
        begun = ended + pace.silence
        each = pace.character * pace.stretch
        ends = [
            begun + (index + 1) * each + index * pace.gap * pace.character
            for index in range(len(reply))
        ]
        self._due = list(_told(reply, ends, pace))
        self.served.append(Served(ended, ends[-1]))


def _told(reply: bytes, ends: list[float], pace: Pace) -> Iterator[tuple[float, bytes]]:
    """When the master is told of which bytes."""
    for start in range(0, len(reply), pace.fifo):
        piece = reply[start : start + pace.fifo]
        last = ends[start + len(piece) - 1]
        waits = 0.0 if len(piece) == pace.fifo else 4 * pace.character
        yield last + waits, piece
