"""Modbus frames on each transport: found whole among whatever comes, or not at all.

RTU has no marks: a frame is where unit, function and length are those of a reply, and the checksum
fits. Every place where one may begin is followed up, so that neither noise, another's frame nor a
false beginning hides a good one. ASCII frames are marked. In a TCP stream a wrong header means that
nothing after it can be trusted.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from edge_agent import crc16

EXCEPTION = 0x80
"""This bit in a function says that the device refuses (Modbus Application V1.1b3, §7)."""

READ_IDENTIFICATION = 0x2B
IDENTIFICATION = b"\x2b\x0e"
"""Function and MEI type of Read Device Identification (§6.21)."""

LONGEST_ASCII = 513
"""Characters of a frame (Modbus over Serial Line V1.02, §2.5.2.1)."""


class OutOfStep(ValueError):
    """What comes is no Modbus TCP, or is not read from a frame's beginning."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: whose, what it says from the function on, and the transaction on a network."""

    unit: int
    pdu: bytes
    transaction: int = 0


def lrc(data: bytes) -> int:
    """An ASCII frame's checksum (§2.5.2.2)."""
    return -sum(data) & 0xFF


_EVEN = b"".join(rb"\x%02x" % count for count in range(2, 251, 2))
_BEGINNING = re.compile(
    rb"(?s)(?=[\x01-\xff](?:[\x01\x02][\x01-\xfa]|[\x03\x04][" + _EVEN + rb"]"
    rb"|[\x81-\x84\xab][^\x00]|\x2b\x0e))"
)
"""Unit and function of a reply, and its byte count, exception code or MEI type."""

_HEAD = 3


class RtuFrames:
    """Replies to reads and to Read Device Identification, and exceptions, of any unit."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._begun: list[tuple[int, int]] = []
        self._looked = 0

    @staticmethod
    def wrap(unit: int, pdu: bytes, transaction: int = 0) -> bytes:  # noqa: ARG004 - as TcpFrames
        """A frame as it is sent."""
        body = bytes([unit]) + pdu
        return body + struct.pack("<H", crc16.MODBUS(body))

    @staticmethod
    def size(pdu: int) -> int:
        """Characters of a frame whose PDU has `pdu` bytes."""
        return pdu + 3

    def clear(self) -> None:
        """Forget what is not whole."""
        self._bytes.clear()
        self._begun.clear()
        self._looked = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        self._bytes += data
        frames: list[Frame] = []
        while True:
            self._look()
            frame = self._whole()
            if frame is None:
                self._trim()
                return frames
            frames.append(frame)

    def _look(self) -> None:
        """Note every place where a frame may begin, with the bytes that it needs at least."""
        for match in _BEGINNING.finditer(self._bytes, self._looked):
            self._begun.append((match.start(), _HEAD))
        self._looked = max(self._looked, len(self._bytes) - _HEAD + 1)

    def _whole(self) -> Frame | None:
        """The first frame that is whole and right; what was before its end is done with."""
        left = []
        for index, (start, need) in enumerate(self._begun):
            size = need
            while start + size <= len(self._bytes):
                known = _rtu_size(self._bytes, start, size)
                if known == size:
                    break
                size = known
            if start + size > len(self._bytes):
                left.append((start, size))
            elif size and not crc16.MODBUS(memoryview(self._bytes)[start : start + size]):
                self._begun = left + self._begun[index + 1 :]
                return self._cut(start, start + size)
        self._begun = left
        return None

    def _cut(self, start: int, end: int) -> Frame:
        frame = Frame(self._bytes[start], bytes(self._bytes[start + 1 : end - 2]))
        self._drop(end)
        return frame

    def _trim(self) -> None:
        """Keep no more than what may yet be a frame."""
        self._drop(self._begun[0][0] if self._begun else self._looked)

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        self._begun = [(start - count, need) for start, need in self._begun if start >= count]
        self._looked = max(0, self._looked - count)


def _rtu_size(data: bytearray, start: int, have: int) -> int:
    """Bytes of the frame that begins at `start`, as far as its first `have` bytes tell."""
    function = data[start + 1]
    if function & EXCEPTION:
        return 5
    if function != READ_IDENTIFICATION:
        return 5 + data[start + 2]
    size = 8  # then objects: id, length, text
    if have < size:
        return size
    for _ in range(data[start + 7]):
        if have < size + 2:
            return size + 2
        size += 2 + data[start + size + 1]
    return size + 2


class AsciiFrames:
    """Frames between a colon and the end of the line, in hexadecimal.

    The standard has it in upper case (§2.5.2); some devices write lower.
    """

    _FRAME = re.compile(rb"(?:[0-9A-Fa-f]{2}){4,}")

    def __init__(self) -> None:
        self._text = bytearray()

    @staticmethod
    def wrap(unit: int, pdu: bytes, transaction: int = 0) -> bytes:  # noqa: ARG004 - as TcpFrames
        """A frame as it is sent."""
        body = bytes([unit]) + pdu
        return b":%s%02X\r\n" % (body.hex().upper().encode(), lrc(body))

    @staticmethod
    def size(pdu: int) -> int:
        """Characters of a frame whose PDU has `pdu` bytes."""
        return 2 * pdu + 7

    def clear(self) -> None:
        """Forget what is not whole."""
        self._text.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        self._text += data
        *lines, rest = self._text.split(b"\r\n")
        self._text = rest[rest.rfind(b":") :] if b":" in rest else bytearray()
        if len(self._text) > LONGEST_ASCII:
            self._text.clear()
        return [frame for line in lines if (frame := self._frame(line))]

    def _frame(self, line: bytearray) -> Frame | None:
        _, colon, text = line.rpartition(b":")
        if not colon or not self._FRAME.fullmatch(text):
            return None
        body = bytes.fromhex(text.decode())
        return None if sum(body) & 0xFF else Frame(body[0], body[1:-1])


class TcpFrames:
    """Frames with a header: transaction, protocol 0, length, unit."""

    _LENGTHS = range(3, 255)
    """Unit, function and at least one byte; and 253 bytes of PDU at most."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @staticmethod
    def wrap(unit: int, pdu: bytes, transaction: int = 0) -> bytes:
        """A frame as it is sent."""
        return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu

    @staticmethod
    def size(pdu: int) -> int:
        """Bytes of a frame whose PDU has `pdu`."""
        return pdu + 7

    def clear(self) -> None:
        """Forget what is not whole."""
        self._bytes.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now.

        Raises:
            OutOfStep: if what comes does not begin like one.
        """
        self._bytes += data
        frames = []
        while len(self._bytes) >= 6:  # noqa: PLR2004 - the header up to the length
            transaction, protocol, length = struct.unpack_from(">HHH", self._bytes)
            if protocol or length not in self._LENGTHS:
                raise OutOfStep(f"{bytes(self._bytes[:12]).hex(' ')} is no Modbus TCP")
            end = 6 + length
            if len(self._bytes) < end:
                break
            frames.append(Frame(self._bytes[6], bytes(self._bytes[7:end]), transaction))
            del self._bytes[:end]
        return frames
