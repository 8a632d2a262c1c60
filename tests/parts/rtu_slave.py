"""Modbus RTU slaves on a pty, told request by request how to misbehave; no library's code."""

from __future__ import annotations

import contextlib
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parts.plug import Plug

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
    _begun: bytes = b""

    def __post_init__(self) -> None:
        self._plug = Plug(self.port, self._hear)

    def plug_in(self) -> None:
        """Let the port appear."""
        self._begun = b""
        self._plug.plug_in()

    def pull_out(self) -> None:
        """Let the port vanish, as a USB adapter does."""
        self._plug.pull_out()

    def _hear(self, data: bytes) -> None:
        self._begun += data
        while len(self._begun) >= (size := _size(self._begun)):
            request, self._begun = self._begun[:size], self._begun[size:]
            self._take(request)

    def _take(self, request: bytes) -> None:
        if crc16(request[:-2]) != request[-2:]:
            return
        if request[1] == IDENTIFICATION:
            if request[0] in self.units:
                self._plug.say(framed(bytes([request[0], IDENTIFICATION | 0x80, 1])))
            return
        unit, function, address, count = struct.unpack(">BBHH", request[:-2])
        self.asked.append(Asked(time.monotonic(), unit, function, address, count))
        behave = self.script.popleft() if self.script else lambda reply: iter([(0.0, reply)])
        if unit not in self.units:
            return
        for wait, chunk in behave(self._reply(unit, function, address, count)):
            time.sleep(wait)
            self._plug.say(chunk)
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
