"""Caltrans AB3418, traffic signal controllers (TSCP on 2070, 170E and others): reading the status.

    7E ⟨address⟩ 13 C0 ⟨message⟩ ⟨payload⟩ ⟨FCS, low byte first⟩ 7E

Within a frame 7D 5E stands for 7E, and 7D 5D for 7D. Two messages are sent, and both only ask:
for the short and for the long status. Nothing here can set a pattern, a time or a timing.
An address is the controller's drop number. Layouts: jspring/rfs-atsc, ab3418/msgs.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING

from edge_agent import crc16
from edge_agent.protocols.conversation import Question, Refused, Send
from edge_agent.protocols.exchange import Shape, asked, hear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Conversation

FLAG, ESCAPE, TOGGLE = 0x7E, 0x7D, 0x20
CONTROL, IPI = 0x13, 0xC0
"""Unnumbered information to one station; the identifier of NTCIP's class B protocol."""

FCS_GOOD = 0xF0B8
"""What the checksum comes to over a good frame, its own two bytes included (RFC 1662, C.2)."""

HEAD, FCS = 4, 2
LONGEST = 600
"""More than any frame has: 256 bytes, should each of them be escaped."""

DROPS = range(1, 64)
"""Addresses of one byte; 0 is everybody."""


class Message(IntEnum):
    """What is sent; the answer has `ANSWER` added, and an error `ERROR`."""

    SHORT_STATUS = 0x84
    LONG_STATUS = 0x8C


ANSWER, ERROR = 0x40, 0x60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands in a payload: its byte, lowest bit, and number of bits."""

    at: int
    lowest: int = 0
    bits: int = 8

    def of(self, payload: bytes) -> int:
        """The field's number."""
        return payload[self.at] >> self.lowest & ((1 << self.bits) - 1)


SHORT = {"greens": Place(0), "status": Place(1), "pattern": Place(2)}

LONG = {
    "flags": Place(0),
    "status": Place(1),
    "pattern": Place(2),
    "overlap_green": Place(3, 0, 4),
    "overlap_yellow": Place(3, 4, 4),
    "preemption": Place(4),
    "phase_calls": Place(5),
    "ped_calls": Place(6),
    "active_phases": Place(7),
    "interval_ring0": Place(8, 0, 4),
    "interval_ring1": Place(8, 4, 4),
    "detectors_1_8": Place(9),
    "detectors_9_16": Place(10),
    "detectors_17_24": Place(11),
    "detectors_25_28": Place(12, 0, 4),
    "master_cycle_clock": Place(13),
    "local_cycle_clock": Place(14),
    "sample_seq": Place(15),
    **{f"det{n}_volume": Place(14 + 2 * n) for n in range(1, 9)},
    **{f"det{n}_occupancy": Place(15 + 2 * n) for n in range(1, 9)},
}

LAYOUTS = {
    Message.SHORT_STATUS: (SHORT, 3),
    Message.LONG_STATUS: (LONG, 32),
}
"""Each answer's fields, and how many bytes its payload has."""

FIELDS = tuple({**LONG, **SHORT})


def frame(address: int, message: int, payload: bytes = b"") -> bytes:
    """A frame from or to the station with this address byte."""
    body = bytes((address, CONTROL, IPI, message)) + payload
    body += (crc16.MCRF4XX(body) ^ 0xFFFF).to_bytes(FCS, "little")
    escaped = body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return bytes((FLAG, *escaped, FLAG))


def body(good: bytes) -> bytes:
    """Address to payload of a good frame, without escapes."""
    return _plain(good)[:-FCS]


class Ab3418:
    """The protocol."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """The short status if it has them all, otherwise the long one, and both for the greens.

        Raises:
            ValueError: if the address or a field is none.
        """
        station, wanted = _station(address), asked(fields, FIELDS)
        if all(field in SHORT for field in wanted):
            return (_question(station, Message.SHORT_STATUS, wanted),)
        parts = {
            Message.LONG_STATUS: tuple(field for field in wanted if field in LONG),
            Message.SHORT_STATUS: tuple(field for field in wanted if field not in LONG),
        }
        return tuple(_question(station, kind, part) for kind, part in parts.items() if part)


def _station(address: str) -> int:
    if not (address.isascii() and address.isdecimal() and int(address) in DROPS):
        raise ValueError(f"address {address!r} should be a drop number from 1 to {DROPS[-1]}")
    # bit 0: no further byte of address; bit 1: not a group
    return int(address) << 2 | 1


def _question(station: int, message: Message, fields: tuple[str, ...]) -> Question:
    _, length = LAYOUTS[message]
    return Question(
        fields=fields,
        converse=partial(_converse, station, message, fields),
        sends=len(frame(station, message)),
        receives=2 + 2 * (HEAD + length + FCS),  # each byte may need an escape
    )


def _converse(station: int, message: Message, fields: Sequence[str]) -> Conversation:
    heard = yield Send(frame(station, message))
    while True:
        good, heard = yield from hear(SHAPE, heard)
        content = body(good)
        if content[0] != station or content[2] != IPI:
            continue
        if content[3] == message + ERROR:
            raise Refused(_reason(content[HEAD:]))
        places, length = LAYOUTS[message]
        if content[3] == message + ANSWER and len(content) == HEAD + length:
            return {field: places[field].of(content[HEAD:]) for field in fields}


def _reason(payload: bytes) -> str:
    return f"the controller says: error {payload.hex(' ') or 'without a number'}"


def _size(begun: bytes) -> int | None:
    """Up to the next flag, which may begin another frame; two flags in a row are a pause."""
    end = begun.find(FLAG, 1)
    return None if end < 0 else 0 if end == 1 else end


def _plain(good: bytes) -> bytes:
    """What stands between the flags, without escapes."""
    parts = good[1:].split(bytes((ESCAPE,)))
    return parts[0] + b"".join(bytes((part[0] ^ TOGGLE,)) + part[1:] for part in parts[1:])


def _is_sound(good: bytes) -> bool:
    escapes = good[1:].split(bytes((ESCAPE,)))[1:]
    if any(part[:1] not in (b"\x5e", b"\x5d") for part in escapes):
        return False
    plain = _plain(good)
    return len(plain) >= HEAD + FCS and crc16.MCRF4XX(plain) == FCS_GOOD


SHAPE = Shape(sync=bytes((FLAG,)), size=_size, longest=LONGEST, is_sound=_is_sound)
