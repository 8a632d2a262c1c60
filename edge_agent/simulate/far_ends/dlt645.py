"""A meter with DL/T 645-2007: data items from fields, and answers from items, in parts.

What nothing feeds it does not have, and says so, as a single-phase meter does of other phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from edge_agent.protocols.dlt645 import (
    ANSWERS,
    ERROR,
    HEAD,
    MORE_FOLLOWS,
    PREAMBLE,
    READ,
    READ_ON,
    SHAPE,
    frame,
)
from edge_agent.protocols.dlt645_items import Item, item
from edge_agent.simulate.far_ends.far_end import whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge_agent.simulate.far_ends.far_end import Said, Sayings
    from telemetry.sample import Value

PART = 190
"""Most bytes of an item in one frame."""

NO_SUCH_DATA = b"\x02"
"""The error byte (DL/T 645-2007 annex A)."""

ANY = 0xAA
"""In a request's address: any two digits (DL/T 645-2007 §5.2.2)."""

NAME = 4
"""Bytes of an identifier."""

_SIGN = 0x80


@dataclass(slots=True)
class Meter:
    """A meter; it is asked for items by their identifiers, low byte first.

    Attributes:
        address: its 12 digits.
        part: most bytes of an item in one frame.
    """

    address: str
    part: int = PART
    every: float | None = field(default=None, init=False)
    _heard: bytes = field(default=b"", init=False)

    def sayings(self, said: Said) -> Sayings:
        """Its items."""
        items: dict[bytes, bytearray] = {}
        for name, value in said.items():
            layout = item(name)
            data = items.setdefault(bytes.fromhex(layout.identifier)[::-1], bytearray())
            data.extend(bytes(max(0, layout.end - len(data))))
            data[layout.start : layout.end] = _bytes_of(layout, value)[::-1]
        return {name: bytes(data) for name, data in items.items()}

    def answer(self, data: bytes, sayings: Sayings) -> bytes:
        """What it says to these bytes; nothing until a request to it is whole."""
        self._heard += data
        said = b""
        while found := SHAPE.find(self._heard):
            request, self._heard = found
            if self._is_meant(request[1:7]):
                plain = bytes(byte - 0x33 & 0xFF for byte in request[HEAD:-2])
                said += PREAMBLE + self._said(request[8], plain, sayings)
        self._heard = self._heard[1 - SHAPE.longest :]
        return said

    @property
    def _station(self) -> bytes:
        return bytes.fromhex(self.address)[::-1]

    def _is_meant(self, wanted: bytes) -> bool:
        return all(w in (ANY, own) for w, own in zip(wanted, self._station, strict=True))

    def _said(self, control: int, asked: bytes, items: Sayings) -> bytes:
        content = items.get(asked[:NAME])
        if control not in (READ, READ_ON) or content is None:
            return frame(self._station, control | ANSWERS | ERROR, NO_SUCH_DATA)
        sequence = asked[NAME:] if control == READ_ON else b""
        begin = self.part * int.from_bytes(sequence)
        more = MORE_FOLLOWS if content[begin + self.part :] else 0
        body = asked[:NAME] + content[begin : begin + self.part] + sequence
        return frame(self._station, control | ANSWERS | more, body)


def far_end(address: str, _fields: Collection[str]) -> Meter:
    """A meter; whatever digits its address leaves open are 0."""
    return Meter(address.replace("A", "0"))


def _bytes_of(layout: Item, value: Value) -> bytes:
    """The value's bytes, high byte first."""
    digits = 2 * layout.size
    match layout.kind:
        case "b":
            most = (1 << 8 * layout.size) - 1
            return whole(layout.field, value, 0, most).to_bytes(layout.size)
        case "a":
            return _characters(layout, str(value))
        case "t":
            text = str(value)
            if len(text) != digits or not (text.isascii() and text.isdecimal()):
                raise NotEncodable(f"field {layout.field!r} cannot say {text!r}: {digits} digits")
            return bytes.fromhex(text)
        case "s":
            most = 8 * 10 ** (digits - 1) - 1
            number = whole(layout.field, value, -most, most)
            high, *rest = bytes.fromhex(f"{abs(number):0{digits}}")
            return bytes((high | (_SIGN if number < 0 else 0), *rest))
        case _:
            number = whole(layout.field, value, 0, 10**digits - 1)
            return bytes.fromhex(f"{number:0{digits}}")


def _characters(layout: Item, text: str) -> bytes:
    if len(text) > layout.size or not (text.isascii() and text.isprintable()):
        most = f"{layout.size} ASCII characters"
        raise NotEncodable(f"field {layout.field!r} cannot say {text!r}: at most {most}")
    return text.encode().rjust(layout.size, b"\0")
