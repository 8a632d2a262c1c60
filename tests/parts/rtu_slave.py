"""Modbus RTU slaves on a pty, told request by request how to misbehave; no library's code."""

from __future__ import annotations

import contextlib
import os
import select
import struct
import threading
import time
import tty
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUEST_BYTES = 8
"""Every read request has as many."""

IDENTIFICATION, IDENTIFICATION_BYTES = 0x2B, 7
"""Function 43, which these slaves do not know, and how long its request is."""


def crc16(frame: bytes) -> bytes:
    """The frame's checksum as it stands on the wire, bit by bit as the standard draws it."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def framed(body: bytes) -> bytes:
    """A whole frame."""
    return body + crc16(body)


@dataclass(frozen=True)
class Asked:
    """A request as it came: when its last byte was read (monotonic seconds), and what it asks."""

    at: float
    unit: int
    function: int
    address: int
    count: int


def silent(_reply: bytes) -> Iterator[tuple[float, bytes]]:
    """No reply."""
    return iter(())


def late(seconds: float) -> Callable[[bytes], Iterator[tuple[float, bytes]]]:
    """The right reply, too late."""
    return lambda reply: iter([(seconds, reply)])


def instead(*chunks: bytes) -> Callable[[bytes], Iterator[tuple[float, bytes]]]:
    """Other bytes."""
    return lambda _reply: iter([(0.0, chunk) for chunk in chunks])


def corrupted(reply: bytes) -> Iterator[tuple[float, bytes]]:
    """One bit flipped."""
    yield 0.0, reply[:-3] + bytes([reply[-3] ^ 1]) + reply[-2:]


@dataclass
class RtuSlave:
    """All slaves of one line.

    Attributes:
        port: what a master opens: a link that survives being plugged out and in.
        units: registers by address, by unit; an address that is missing is illegal.
        refusal: the exception for one that is.
        script: how to misbehave, one entry a request; when it is empty, all is well.
    """

    port: Path
    units: dict[int, dict[int, int]]
    refusal: int = 2
    script: deque[Callable[[bytes], Iterator[tuple[float, bytes]]]] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    replied_at: list[float] = field(default_factory=list)

    def plug_in(self) -> None:
        """Let the port appear."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.port.symlink_to(os.ttyname(slave))
        self._slave = slave
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def pull_out(self) -> None:
        """Let the port vanish, as a USB adapter does."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        for descriptor in (self._slave, self._master, self._stop_read, self._stop_write):
            os.close(descriptor)
        self.port.unlink()

    def _serve(self) -> None:
        buffer = b""
        while True:
            readable, _, _ = select.select([self._master, self._stop_read], [], [])
            if self._stop_read in readable:
                return
            buffer += os.read(self._master, 256)
            while len(buffer) >= (size := _size(buffer)):
                request, buffer = buffer[:size], buffer[size:]
                self._take(request)

    def _take(self, request: bytes) -> None:
        if crc16(request[:-2]) != request[-2:]:
            return
        if request[1] == IDENTIFICATION:
            if request[0] in self.units:
                os.write(self._master, framed(bytes([request[0], IDENTIFICATION | 0x80, 1])))
            return
        unit, function, address, count = struct.unpack(">BBHH", request[:-2])
        self.asked.append(Asked(time.monotonic(), unit, function, address, count))
        behave = self.script.popleft() if self.script else lambda reply: iter([(0.0, reply)])
        if unit not in self.units:
            return
        for wait, chunk in behave(self._reply(unit, function, address, count)):
            time.sleep(wait)
            os.write(self._master, chunk)
            self.replied_at.append(time.monotonic())

    def _reply(self, unit: int, function: int, address: int, count: int) -> bytes:
        registers = self.units[unit]
        words = [registers.get(address + index) for index in range(count)]
        if None in words:
            return framed(bytes([unit, function | 0x80, self.refusal]))
        if function in (1, 2):
            bits = sum(1 << index for index, word in enumerate(words) if word)
            data = bits.to_bytes((count + 7) // 8, "little")
        else:
            data = struct.pack(f">{count}H", *words)
        return framed(bytes([unit, function, len(data)]) + data)


def _size(request: bytes) -> int:
    return IDENTIFICATION_BYTES if request[1:2] == bytes([IDENTIFICATION]) else REQUEST_BYTES


@contextlib.contextmanager
def rtu_slave(port: Path, units: dict[int, dict[int, int]]) -> Iterator[RtuSlave]:
    """Slaves on a line that is plugged in."""
    slave = RtuSlave(port, units)
    slave.plug_in()
    try:
        yield slave
    finally:
        if port.is_symlink():
            slave.pull_out()
