"""DL/T 645-2007, the meters of China's grid: reading data items, one exchange each.

    FE… 68 ⟨address, 6 BCD bytes, low first⟩ 68 ⟨control⟩ ⟨length⟩ ⟨data, each + 33⟩ ⟨sum⟩ 16

A field is an item's identifier, 8 hex digits, high first, as the standard prints it: `02010100`.
`0201FF00.1` is the second item of a block; fields of one block come in one exchange. Items whose
layout `dlt645_items` does not know say it behind a colon: `04000101:4t` (see there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.protocols.conversation import Fields, Question, Refused, Send
from edge_agent.protocols.dlt645_items import Item, item
from edge_agent.protocols.exchange import Shape, hear
from telemetry.sample import BAD_REPLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Conversation

START, END, PREAMBLE = 0x68, 0x16, b"\xfe\xfe\xfe\xfe"
READ, READ_ON = 0x11, 0x12
ANSWERS, MORE_FOLLOWS, ERROR = 0x80, 0x20, 0x40
"""Bits that an answer adds to the request's control code (DL/T 645-2007 §5.2.3)."""

ERRORS = (
    "another error",
    "no such data",
    "wrong password or not allowed",
    "the speed cannot be changed",
    "too many year zones",
    "too many day slots",
    "too many tariffs",
)
"""Bits of the error byte, from the lowest (DL/T 645-2007 annex A)."""

HEAD, OVERHEAD = 10, 12
"""Bytes before the data, and of a whole frame without data."""

SEQUENCE_MAX = 255
"""Most further frames of one item; their number is one byte."""

_ADDRESS = re.compile(r"(AA)*([0-9]{2})*")
_ADDRESS_DIGITS = 12


def frame(address: bytes, control: int, data: bytes) -> bytes:
    """A frame, without a preamble; `address` has its low byte first."""
    shifted = bytes(byte + 0x33 & 0xFF for byte in data)
    body = bytes((START, *address, START, control, len(data), *shifted))
    return body + bytes((sum(body) & 0xFF, END))


def _size(begun: bytes) -> int | None:
    if begun[7:8] not in (b"", b"\x68"):
        return 0
    return OVERHEAD + begun[9] if len(begun) >= HEAD else None


def _is_sound(good: bytes) -> bool:
    return sum(good[:-2]) & 0xFF == good[-2] and good[-1] == END


SHAPE = Shape(sync=bytes((START,)), size=_size, longest=OVERHEAD + 0xFF, is_sound=_is_sound)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a frame carries: its control code, and its data as they were before the shift."""

    control: int
    data: bytes


class Dlt645:
    """The protocol; an address is the meter's 12 digits, or AAAAAAAAAAAA for the only one there."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange for each data identifier.

        Raises:
            ValueError: if the address or a field is none.
        """
        station = _station(address)
        items: dict[str, list[Item]] = {}
        for field in fields:
            asked = item(field)
            items.setdefault(asked.identifier, []).append(asked)
        return tuple(_question(station, name, group) for name, group in items.items())


def _station(address: str) -> bytes:
    if len(address) != _ADDRESS_DIGITS or not _ADDRESS.fullmatch(address):
        raise ValueError(f"address {address!r} should be the meter's 12 digits, or AAAAAAAAAAAA")
    return bytes.fromhex(address)[::-1]


def _question(station: bytes, identifier: str, items: Sequence[Item]) -> Question:
    size = max(asked.end for asked in items)
    request = frame(station, READ, bytes.fromhex(identifier)[::-1])
    return Question(
        fields=tuple(asked.field for asked in items),
        converse=partial(_converse, station, identifier, items),
        sends=len(PREAMBLE) + len(request),
        receives=len(PREAMBLE) + OVERHEAD + 4 + size,
    )


def _converse(station: bytes, identifier: str, items: Sequence[Item]) -> Conversation:
    """Reads the item, and what follows in further frames if it does not fit into one."""
    name = bytes.fromhex(identifier)[::-1]
    heard, content, sequence = b"", b"", 0
    control, asked = READ, name
    while True:
        heard += yield Send(PREAMBLE + frame(station, control, asked))
        while True:
            good, heard = yield from hear(SHAPE, heard)
            if (answer := _answer(good, station, control, asked)) is not None:
                break
        content += answer.data
        if not answer.control & MORE_FOLLOWS or sequence == SEQUENCE_MAX:
            return _fields(items, content)
        sequence += 1
        control, asked = READ_ON, name + bytes((sequence,))


def _answer(good: bytes, station: bytes, control: int, asked: bytes) -> Answer | None:
    """The item's data in a frame; None if it answers another station or another request.

    Raises:
        Refused: if the meter refuses.
    """
    if not _is_from(good[1:7], station):
        return None
    said, data = good[8], bytes(byte - 0x33 & 0xFF for byte in good[HEAD:-2])
    if said == control | ANSWERS | ERROR:
        raise Refused(f"the meter says: {_reasons(data)}")
    name, sequence = asked[:4], asked[4:]
    is_awaited = data.startswith(name) and data[4:].endswith(sequence)
    if said & ~MORE_FOLLOWS != control | ANSWERS or not is_awaited:
        return None
    return Answer(said, data[4 : len(data) - len(sequence)])


def _is_from(sender: bytes, station: bytes) -> bool:
    """AA in an address stands for any two digits (DL/T 645-2007 §5.2.2)."""
    return all(wanted in (0xAA, byte) for byte, wanted in zip(sender, station, strict=True))


def _reasons(data: bytes) -> str:
    code = data[0] if data else 0
    named = [text for bit, text in enumerate(ERRORS) if code >> bit & 1]
    return ", ".join(named) or f"error {code:#04x}"


def _fields(items: Sequence[Item], content: bytes) -> Fields:
    return {
        asked.field: asked.value(content[asked.start : asked.end])
        if asked.fits(len(content))
        else BAD_REPLY
        for asked in items
    }
