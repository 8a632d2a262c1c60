"""Modbus frames by pymodbus, read more strictly, and found among noise.

A reply is one of the four that reads have: random bytes pass for one of these less often than for
any. A byte count must be the length of the data; pymodbus cuts what does not fit.
"""

from __future__ import annotations

from pymodbus.exceptions import ModbusException
from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from device_profiles.registers import Table

EXCEPTION_BYTES = 5
"""Unit, function, code and checksum; or, of a reply, all but its data."""


class _WholeRegisters:
    """A reply whose byte count is its length, and even; pymodbus cuts what does not fit."""

    def decode(self, data: bytes) -> None:
        if not data or data[0] != len(data) - 1 or data[0] % 2:
            raise ModbusException(f"{data[:1].hex()} bytes announced, {len(data) - 1} there")
        super().decode(data)  # type: ignore[misc]


class _HoldingReply(_WholeRegisters, ReadHoldingRegistersResponse):
    pass


class _InputReply(_WholeRegisters, ReadInputRegistersResponse):
    pass


class TcpFramer(FramerSocket):
    """Bytes that cannot be decoded are dropped; raising would end in the event loop's log."""

    def __init__(self) -> None:
        super().__init__(_reads_only())

    def handleFrame(  # noqa: N802 - pymodbus's name
        self, data: bytes, exp_devid: int, exp_tid: int
    ) -> tuple[int, ModbusPDU | None]:
        """Bytes used up, and the reply if it is whole."""
        try:
            return super().handleFrame(data, exp_devid, exp_tid)
        except ModbusException:
            return len(data), None


class RtuFramer(FramerRTU):
    """Finds the asked unit's reply among noise and others' frames; pymodbus drops it with them."""

    def __init__(self) -> None:
        super().__init__(_reads_only())

    def handleFrame(  # noqa: N802 - pymodbus's name
        self, data: bytes, exp_devid: int, exp_tid: int
    ) -> tuple[int, ModbusPDU | None]:
        """Bytes used up, and the reply if it is whole."""
        for start in range(len(data) - self.MIN_SIZE):
            frame = self._frame(data[start:], exp_devid)
            if frame and (reply := self.decoder.decode(frame[1:-2])):
                reply.dev_id, reply.transaction_id = exp_devid, exp_tid
                return len(data), reply
        return 0, None

    def _frame(self, data: bytes, unit: int) -> bytes | None:
        """The whole frame of `unit` that `data` begins with, if its checksum is right."""
        function = data[1]
        if data[0] != unit or function & 0x7F not in self.decoder.pdu_table:
            return None
        size = EXCEPTION_BYTES if function & 0x80 else EXCEPTION_BYTES + data[2]
        frame = data[:size]
        checks = len(frame) == size and self.check_CRC(frame[:-2], int.from_bytes(frame[-2:]))
        return frame if checks else None


READS: dict[Table, tuple[type[ModbusPDU], type[ModbusPDU]]] = {
    Table.COIL: (ReadCoilsRequest, ReadCoilsResponse),
    Table.DISCRETE: (ReadDiscreteInputsRequest, ReadDiscreteInputsResponse),
    Table.HOLDING: (ReadHoldingRegistersRequest, _HoldingReply),
    Table.INPUT: (ReadInputRegistersRequest, _InputReply),
}
"""What asks for each table, and what answers."""


def _reads_only() -> DecodePDU:
    """A decoder that knows the replies to reads, and exceptions."""
    decoder = DecodePDU(is_server=False)
    decoder.pdu_table = {reply.function_code: (ask, reply) for ask, reply in READS.values()}
    return decoder
