"""Sensirion SPS30 particle sensor over SHDLC.

    read ─► measured ─► Fields
         └► not allowed in the present state ─► start ─► read ─► nothing new yet ─► not valid

A sensor that lost its power has stopped measuring; whoever reads it next starts it again.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from device_profiles.numerals import reader
from device_profiles.registers import Type
from edge_agent.protocols import shdlc
from edge_agent.protocols.conversation import Listen, Question, Send
from edge_agent.protocols.exchange import Shape, asked, ended_by, hear
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edge_agent.protocols.conversation import Conversation, Fields
    from telemetry.sample import Flag, Value

START, READ = 0x00, 0x03
START_FLOAT = b"\x01\x03"
"""Start measuring, and say it in floats; 01 05 would be in 16-bit integers."""

MEASURED = (
    *("pm1", "pm25", "pm4", "pm10"),
    *("n0_5", "n1_0", "n2_5", "n4_0", "n10_0"),
    "typical_size",
)
"""In the order of the answer: ug/m3, particles in 1 cm3, and um (in the integer format nm)."""

_float = cast("Callable[[int], float | Flag]", reader(Type.F32))
FLOATS, INTEGERS = struct.calcsize(">10f"), struct.calcsize(">10H")
NANOMETRES = 1000

STATUS_SIZE = 5
"""The status register, 32 bits, and a reserved byte."""

Asking = Generator[Send | Listen, bytes, tuple[shdlc.Answer, bytes]]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be read, and what the data of its answer say."""

    code: int
    argument: bytes
    decode: Callable[[bytes], Fields]
    longest: int
    starts: bool = False

    def question(self, address: int, fields: tuple[str, ...]) -> Question:
        """The exchange that brings these fields."""
        request = shdlc.request(address, self.code, self.argument)
        return Question(
            fields=fields,
            converse=partial(_converse, self, address, fields),
            sends=len(request),
            receives=_receives(self.longest),
        )


@dataclass(frozen=True, slots=True)
class Sps30:
    """The protocol; an address is SHDLC's, which an SPS30 has as 0 (also if empty)."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange for what is measured, one for each register.

        Raises:
            ValueError: if the address is no number from 0 to 254, or a field is not known.
        """
        wanted = asked(fields, FIELDS)
        if not (address or "0").isdecimal() or int(address or "0") > shdlc.ADDRESS_MAX:
            raise ValueError(f"address {address!r} should be 0 to {shdlc.ADDRESS_MAX}")
        return tuple(
            command.question(int(address or "0"), brought)
            for names, command in COMMANDS.items()
            if (brought := tuple(field for field in wanted if field in names))
        )


def _receives(data: int) -> int:
    """Most bytes of an answer: each of them may need an escape, but the two edges."""
    return 2 + 2 * (shdlc.HEAD + data + 1)


def _converse(command: Command, address: int, fields: tuple[str, ...]) -> Conversation:
    reading = partial(_ask, address, command.code, command.argument)
    answer, heard = yield from reading(b"")
    if answer.error == shdlc.NOT_NOW and command.starts:
        started, heard = yield from _ask(address, START, START_FLOAT, heard)
        started.or_refused()
        answer, heard = yield from reading(heard)
    said = {**command.decode(answer.or_refused().data), **_device_error(answer)}
    return {field: said[field] for field in fields if field in said}


def _device_error(answer: shdlc.Answer) -> dict[str, Value | Flag]:
    return {"device_error": bool(answer.state & shdlc.DEVICE_ERROR)}


def _ask(address: int, code: int, argument: bytes, heard: bytes) -> Asking:
    """The next answer to this command of this device, and the bytes behind it."""
    heard += yield Send(shdlc.request(address, code, argument))
    while True:
        frame, heard = yield from hear(SHAPE, heard)
        answer = shdlc.opened(frame)
        if answer and _answers(answer, address, code):
            return answer, heard


def _answers(answer: shdlc.Answer, address: int, code: int) -> bool:
    """Whether it is the answer to this command: an error without data, or no error.

    A line that echoes makes `start` look like an answer with an error and a byte of data.
    """
    is_ours = (answer.address, answer.command) == (address, code)
    return is_ours and not (answer.error and answer.data)


def _measured(data: bytes) -> Fields:
    """Empty: nothing new since the last reading (the sensor measures each second)."""
    if len(data) == FLOATS:
        return {
            name: _float(int.from_bytes(data[at : at + 4]))
            for name, at in zip(MEASURED, range(0, FLOATS, 4), strict=True)
        }
    if len(data) == INTEGERS:
        *counts, size = struct.unpack(">10H", data)
        return dict(zip(MEASURED, (*map(float, counts), size / NANOMETRES), strict=True))
    return dict.fromkeys(MEASURED, NOT_VALID)


def _status(data: bytes) -> Mapping[str, Value | Flag]:
    return {"status": int.from_bytes(data[:4]) if len(data) == STATUS_SIZE else NOT_VALID}


def _serial_number(data: bytes) -> Fields:
    return {"serial_number": data.partition(b"\0")[0].decode("ascii", "replace")}


def _firmware(data: bytes) -> Fields:
    return {"firmware": f"{data[0]}.{data[1]}" if len(data) > 1 else NOT_VALID}


COMMANDS = {
    (*MEASURED, "device_error"): Command(READ, b"", _measured, FLOATS, starts=True),
    ("status",): Command(0xD2, b"\x00", _status, STATUS_SIZE),
    ("serial_number",): Command(0xD0, b"\x03", _serial_number, 32),
    ("firmware",): Command(0xD1, b"", _firmware, 7),
}
"""What can be read, by the fields that it brings. The status register is read, not cleared."""

FIELDS = tuple(field for fields in COMMANDS for field in fields)

SHAPE = Shape(
    sync=bytes([shdlc.EDGE]),
    size=ended_by(bytes([shdlc.EDGE])),
    longest=_receives(shdlc.DATA_MAX),
    is_sound=lambda frame: shdlc.opened(frame) is not None,
)
