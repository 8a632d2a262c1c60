"""What is asked and answered, from the function on: written and read by pymodbus, strictly.

A reply to a read must be as long as its byte count says, and as was asked; pymodbus cuts and fills.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from device_profiles.registers import Table
from edge_agent.bus.failures import BadReply
from edge_agent.bus.frames import EXCEPTION, IDENTIFICATION

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

    from edge_agent.bus.request import Request

READS: dict[Table, tuple[type[ModbusPDU], type[ModbusPDU]]] = {
    Table.COIL: (ReadCoilsRequest, ReadCoilsResponse),
    Table.DISCRETE: (ReadDiscreteInputsRequest, ReadDiscreteInputsResponse),
    Table.HOLDING: (ReadHoldingRegistersRequest, ReadHoldingRegistersResponse),
    Table.INPUT: (ReadInputRegistersRequest, ReadInputRegistersResponse),
}
"""What asks for each table, and what answers."""

LONGEST = 253
"""Bytes of a PDU (Modbus Application V1.1b3, §4.1)."""

BASIC, ONE_OBJECT = 1, 4
"""Ways to ask for an identification (§6.21)."""

LAST_ADDRESS = 0xFFFF

MOST_REGISTERS, MOST_BITS = 125, 2000
"""Of one read (§6.1, §6.3)."""

WIDER = 8
"""Lengths of a read, beside its own, among which one that no late answer has is looked for."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        pdu: it, from the function on.
        shape: how its answer begins: function and byte count, or MEI type and access. Two answers
            of one shape cannot be told apart on a line.
        size: bytes of the answer's PDU, at most.
        exact: whether it is just as many.
    """

    pdu: bytes
    shape: bytes
    size: int
    exact: bool = True

    def fits(self, pdu: bytes) -> bool:
        """Whether this is an answer to it, as far as can be seen.

        Read 24 coils from 0x0300 on, and the request's echo looks like an answer.
        """
        size = len(pdu) == self.size or not self.exact
        return size and pdu.startswith(self.shape) and pdu != self.pdu

    def is_refused_by(self, pdu: bytes) -> bool:
        """Whether this is a refusal of it, as far as can be seen."""
        return len(pdu) == 2 and pdu[0] == self.shape[0] | EXCEPTION  # noqa: PLR2004 - and a code


def read(table: Table, address: int, count: int) -> Ask:
    """Read registers or bits."""
    kind, _ = READS[table]
    request = kind(address=address, count=count)
    data = -(-count // 8) if table.is_bits else 2 * count
    shape = bytes([request.function_code, data & 0xFF])
    return Ask(bytes([request.function_code]) + request.encode(), shape, 2 + data)


def identification(first: int = 0, access: int = BASIC) -> Ask:
    """Read an identification, from object `first` on."""
    request = ReadDeviceInformationRequest(read_code=access, object_id=first)
    pdu = bytes([request.function_code]) + request.encode()
    return Ask(pdu, IDENTIFICATION + bytes([access]), LONGEST, exact=False)


def wider(request: Request) -> tuple[Ask, ...]:
    """The same and some more behind it: answers to these do not pass for one to `request`."""
    if _changes(request):
        return ()
    table, step = request.table, _step(request)
    most = min(
        MOST_BITS if table.is_bits else MOST_REGISTERS,
        LAST_ADDRESS + 1 - request.address,
        request.count + min(request.spare, WIDER * step),
    )
    counts = range(request.count + step, most + 1, step)
    return tuple(read(table, request.address, count) for count in counts)


def harmless(request: Request) -> tuple[Ask, ...]:
    """What can be asked so that no answer passes for one to `request`, the likeliest first.

    The same registers, one less or more; or who it is, where reading registers changes them.
    """
    if _changes(request):
        return (identification(),)
    counts = (request.count - _step(request), request.count - 2 * _step(request))
    less = [read(request.table, request.address, count) for count in counts if count > 0]
    return (*less[:1], *wider(request)[:1], *less[1:], identification())


def _step(request: Request) -> int:
    """Registers or bits by which answers differ in length."""
    return 8 if request.table.is_bits else 1


def _changes(request: Request) -> bool:
    """Whether the device changes what is read."""
    return any(channel.resets for channel in request.channels)


def words(table: Table, pdu: bytes) -> list[int]:
    """The registers, or bits as 0 and 1 filled up to whole bytes, of a reply that fits."""
    _, kind = READS[table]
    reply = kind()
    reply.decode(pdu[1:])
    return [int(bit) for bit in reply.bits] if table.is_bits else list(reply.registers)


def identity(pdu: bytes) -> tuple[dict[int, str], int | None]:
    """The objects of an identification by id, and from which one more follow.

    Raises:
        BadReply: if it is not as long as it says.
    """
    reply = ReadDeviceInformationResponse()
    try:
        reply.decode(pdu[1:])
    except (struct.error, IndexError) as error:
        raise BadReply("an identification that ends too early") from error
    objects = {
        number: value.decode("utf-8", "replace").strip("\0 ")
        for number, value in reply.information.items()
        if isinstance(value, bytes)
    }
    return objects, reply.next_object_id if reply.more_follows else None
