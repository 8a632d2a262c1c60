"""Sensirion's SHDLC: frames between 7E, with escapes, and a sum.

request  7E │ address │ command │ length │ data … │ not the sum │ 7E
answer   7E │ address │ command │ state │ length │ data … │ not the sum │ 7E
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.protocols.conversation import Refused

EDGE, ESCAPE = 0x7E, 0x7D
TOGGLED = 1 << 5
ESCAPED = frozenset({EDGE, ESCAPE, 0x11, 0x13})
"""Sent as 7D and the byte with bit 5 inverted: 7E 7D, XON and XOFF."""

HEAD = 4
DATA_MAX = 255
ADDRESS_MAX = 254

NOT_NOW = 0x43
ERRORS = {
    0x01: "wrong length of the data",
    0x02: "no such command",
    0x03: "no right to this command",
    0x04: "a parameter is out of range",
    0x28: "an internal function's argument is out of range",
    NOT_NOW: "the command is not allowed in the present state",
}
"""The low 7 bits of the state (SPS30 data sheet, chapter 5)."""

DEVICE_ERROR = 0x80
"""Bit of the state: the device status register is not clear."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device said to a command."""

    address: int
    command: int
    state: int
    data: bytes

    @property
    def error(self) -> int:
        """Why there is no data, by its code; 0 if the command was carried out."""
        return self.state & ~DEVICE_ERROR

    def or_refused(self) -> Answer:
        """This answer.

        Raises:
            Refused: if it is an error.
        """
        if self.error:
            reason = ERRORS.get(self.error, f"error {self.error:#04x}")
            raise Refused(f"the sensor refused command {self.command:#04x}: {reason}")
        return self


def request(address: int, command: int, data: bytes = b"") -> bytes:
    """The bytes of a command."""
    return _framed(bytes([address, command, len(data)]) + data)


def answer(said: Answer) -> bytes:
    """The bytes of an answer."""
    head = bytes([said.address, said.command, said.state, len(said.data)])
    return _framed(head + said.data)


def opened(frame: bytes) -> Answer | None:
    """The answer between two 7E; None if it is not whole, or its sum is wrong."""
    body = _unstuffed(frame[1:-1])
    if len(body) <= HEAD or len(body) != HEAD + body[3] + 1 or body[-1] != _check(body[:-1]):
        return None
    return Answer(body[0], body[1], body[2], body[HEAD:-1])


def _check(body: bytes) -> int:
    return ~sum(body) & 0xFF


def _framed(body: bytes) -> bytes:
    stuffed = bytearray([EDGE])
    for byte in body + bytes([_check(body)]):
        stuffed += bytes([ESCAPE, byte ^ TOGGLED]) if byte in ESCAPED else bytes([byte])
    return bytes(stuffed) + bytes([EDGE])


def _unstuffed(stuffed: bytes) -> bytes:
    """Empty if there is an escape that nobody sends."""
    body = bytearray()
    coming = iter(stuffed)
    for byte in coming:
        if byte != ESCAPE:
            body.append(byte)
        elif (plain := next(coming, 0) ^ TOGGLED) in ESCAPED:
            body.append(plain)
        else:
            return b""
    return bytes(body)
