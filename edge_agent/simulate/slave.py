"""A Modbus slave as a function: a request PDU and a register image give the reply PDU.

It reads (functions 1 to 4) and identifies itself (43/14), and knows no write.
Refusals follow the Modbus Application Protocol V1.1b3: the function is judged first (exception 1),
then the count (3), then the addresses (2). One address that the device has not refuses the whole
read, as real devices do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from device_profiles.registers import MAX_BITS, MAX_REGISTERS, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Image = Mapping[Table, Mapping[int, int]]
    """What a device holds: by table and wire address, a 16-bit word (a bit: 0 or 1)."""

READS = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}
"""Tables by the function code that reads them (§6.1 to §6.4)."""

READ_LENGTH = 5
"""Bytes of a read request's PDU: function, address, count."""

ENCAPSULATED, IDENTIFY = 43, 14
"""Function code and type of Read Device Identification (§6.21)."""

IDENTIFY_LENGTH = 4
"""Bytes of its request: function, type, which objects, first object."""

INDIVIDUAL = 4
"""Ask for one identification object; 1, 2 and 3 ask for a list (basic, regular, extended)."""

CONFORMITY = 0x81
"""We have the basic objects, as a list and one by one; who asks for more is given these."""

MAX_OBJECT = 80
"""Longest identification text, in bytes, so that all three fit one reply of 253."""


class Refusal(IntEnum):
    """Exception codes (§7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    TARGET_SILENT = 11
    """From a gateway: the unit behind it does not answer."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the device says it is: ASCII texts of at most `MAX_OBJECT` characters."""

    vendor: str
    product: str
    revision: str

    @property
    def objects(self) -> tuple[bytes, ...]:
        """The basic objects by their id: vendor name, product code, revision."""
        return tuple(text.encode() for text in (self.vendor, self.product, self.revision))


def answer(request: bytes, image: Image, identity: Identity | None) -> bytes | None:
    """The reply PDU, or None to a request that is no PDU; no `identity`: 43/14 is not known."""
    if not request:
        return None
    function = request[0]
    if function in READS:
        return _read(request, image.get(READS[function], {}))
    if function == ENCAPSULATED and identity is not None:
        return _identify(request, identity.objects)
    return refuse(function, Refusal.ILLEGAL_FUNCTION)


def refuse(function: int, refusal: Refusal) -> bytes:
    """The PDU that refuses a request with this function code."""
    return bytes((function | 0x80, refusal))


def _read(request: bytes, cells: Mapping[int, int]) -> bytes:
    function = request[0]
    bits = READS[function].is_bits
    address = int.from_bytes(request[1:3])
    count = int.from_bytes(request[3:5])
    if len(request) != READ_LENGTH or not 1 <= count <= (MAX_BITS if bits else MAX_REGISTERS):
        return refuse(function, Refusal.ILLEGAL_VALUE)
    asked = range(address, address + count)
    if not all(cell in cells for cell in asked):
        return refuse(function, Refusal.ILLEGAL_ADDRESS)
    words = [cells[cell] for cell in asked]
    data = _pack_bits(words) if bits else b"".join(word.to_bytes(2) for word in words)
    return bytes((function, len(data))) + data


def _pack_bits(bits: Sequence[int]) -> bytes:
    """The first bit is the lowest of the first byte; the last byte is filled with zeros."""
    packed = sum(1 << place for place, bit in enumerate(bits) if bit)
    return packed.to_bytes((len(bits) + 7) // 8, "little")


def _identify(request: bytes, objects: Sequence[bytes]) -> bytes:
    if len(request) != IDENTIFY_LENGTH:
        return refuse(ENCAPSULATED, Refusal.ILLEGAL_VALUE)
    _, kind, which, first = request
    if kind != IDENTIFY:
        return refuse(ENCAPSULATED, Refusal.ILLEGAL_FUNCTION)
    if not 1 <= which <= INDIVIDUAL:
        return refuse(ENCAPSULATED, Refusal.ILLEGAL_VALUE)
    known = first < len(objects)
    if which == INDIVIDUAL:
        if not known:
            return refuse(ENCAPSULATED, Refusal.ILLEGAL_ADDRESS)
        chosen = [first]
    else:  # "If the Object Id does not match any known object, the server responds as if
        # object 0 were pointed out (restart at the beginning)."
        chosen = list(range(first if known else 0, len(objects)))
    head = bytes((ENCAPSULATED, IDENTIFY, which, CONFORMITY, 0, 0, len(chosen)))
    return head + b"".join(bytes((id_, len(objects[id_]))) + objects[id_] for id_ in chosen)
