"""Requests out of a stream of bytes, and replies into frames, as a slave sees them.

TCP has a header that tells the length; a header that cannot be true ends the connection, because
nothing in the stream says where the next one begins. A serial line has only silence and the CRC:
requests whose length follows from their function are taken as soon as they are whole, noise before
them is skipped byte by byte, and what is left when the line falls silent is one frame or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent import crc16

PROTOCOL = 0
"""The protocol identifier of Modbus (Messaging on TCP/IP V1.0b, §3.1.3)."""

MBAP_HEAD = 6
"""Bytes before those that the header's length counts: transaction, protocol, length."""

MBAP_MIN, MBAP_MAX = 2, 254
"""What the length may count: the unit and a PDU of 1 to 253 bytes."""

RTU_MAX = 256
"""Longest frame on a serial line (Modbus over Serial Line V1.02, §2.5.1)."""

RTU_AROUND = 3
"""Bytes around the PDU in it: unit and CRC."""

RTU_HEAD, RTU_MIN = 2, 4
"""Unit and function; and with the CRC the shortest frame."""

FIXED_LENGTHS = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 43: 7}
"""Whole frames of requests, by function, where the function alone tells it."""

COUNTED = {15: 6, 16: 6}
"""Requests that say their length: the place of the byte that counts the data after it."""


class NotModbus(ValueError):
    """The stream is out of step, or was never Modbus TCP."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one unit; `transaction` is TCP's, and 0 on a serial line."""

    unit: int
    pdu: bytes
    transaction: int = 0


def rtu(unit: int, pdu: bytes) -> bytes:
    """A frame for the serial line; the CRC's low byte goes first."""
    body = bytes((unit,)) + pdu
    return body + crc16.MODBUS(body).to_bytes(2, "little")


def mbap(request: Request, pdu: bytes) -> bytes:
    """The frame that answers `request` over TCP."""
    head = (request.transaction, PROTOCOL, len(pdu) + 1)
    return b"".join(word.to_bytes(2) for word in head) + bytes((request.unit,)) + pdu


class MbapSplitter:
    """Cuts a TCP stream into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes.

        Raises:
            NotModbus: if a header cannot be true; the connection is of no more use.
        """
        self._buffer += data
        requests = []
        while len(self._buffer) >= MBAP_HEAD:
            transaction, protocol, length = (
                int.from_bytes(self._buffer[place : place + 2]) for place in (0, 2, 4)
            )
            if protocol != PROTOCOL or not MBAP_MIN <= length <= MBAP_MAX:
                raise NotModbus(f"protocol {protocol}, length {length}")
            end = MBAP_HEAD + length
            if len(self._buffer) < end:
                break
            unit, pdu = self._buffer[MBAP_HEAD], bytes(self._buffer[MBAP_HEAD + 1 : end])
            requests.append(Request(unit, pdu, transaction))
            del self._buffer[:end]
        return requests


class RtuSplitter:
    """Cuts what comes over a serial line into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes, as far as they need no silence to be told apart."""
        self._buffer += data
        return self._scan()

    def silence(self) -> list[Request]:
        """The requests that the end of the transmission completes; nothing is left over."""
        requests = []
        while len(self._buffer) >= RTU_MIN:
            if len(self._buffer) <= RTU_MAX and _is_whole(self._buffer):
                requests.append(_request(self._buffer))
                break
            del self._buffer[0]
            requests += self._scan()
        self._buffer.clear()
        return requests

    def _scan(self) -> list[Request]:
        requests = []
        while (length := self._length()) is not None and len(self._buffer) >= length:
            frame = self._buffer[:length]
            if length <= RTU_MAX and _is_whole(frame):
                requests.append(_request(frame))
                del self._buffer[:length]
            else:
                del self._buffer[0]
        return requests

    def _length(self) -> int | None:
        """How long a frame that starts here is; None: not known yet, or known by silence only."""
        if len(self._buffer) < RTU_HEAD:
            return None
        function = self._buffer[1]
        if function in FIXED_LENGTHS:
            return FIXED_LENGTHS[function]
        count = COUNTED.get(function)
        if count is None:  # only silence ends it, unless it is too long to be one
            return RTU_MAX + 1
        return count + 1 + self._buffer[count] + 2 if len(self._buffer) > count else None


def _is_whole(frame: bytearray) -> bool:
    return crc16.MODBUS(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def _request(frame: bytearray) -> Request:
    return Request(frame[0], bytes(frame[1:-2]))
