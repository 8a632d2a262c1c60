"""How near Modbus reads come to what a serial line can carry, and what the dead cost the living.

A read of N registers takes at least (8 + 5 + 2N) characters and two silences of t3.5. On an
emulated line that is exact to the byte (`emulated_wire`), the agent's own link reads without a
pause; beside it, on the same line, pymodbus' client. What dead devices and buses cost is measured
with the agent's own pollers (`bus_neighbours`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pymodbus.client import AsyncModbusSerialClient

from benchmarks import bus_neighbours, emulated_port
from benchmarks.emulated_wire import (
    EachByte,
    Fifo,
    Judged,
    LatencyTimer,
    Noted,
    Pace,
    Slaves,
    judge,
)
from benchmarks.processes import waited_seconds
from benchmarks.report import Report
from device_profiles.registers import Table
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.serial_port import SerialPort
from edge_agent.bus.settings import RtuBus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from edge_agent.bus.settings import PortBus

    Reads = Callable[[Path, Pace, int, int], Coroutine[None, None, tuple[float, list[Noted]]]]
    """Reads N registers so many times: seconds of processor time, and what was noted."""

READS = {9_600: 10, 19_200: 16, 115_200: 60}
"""In a row, by baud rate."""

REGISTERS = (2, 10, 50, 125)

LARGE = (50, 125)
"""Reads by which the last line judges: what the agent's planner aims at."""

MARK, IDLE = 14, 4
"""Bytes, or characters of silence, after which a PL011 tells; Linux sets it so."""

FLOATS = 20
"""Values of two registers each, to be read one by one or as one block."""

START_WITHIN = 5.0
"""Seconds for a slave to begin to answer."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Reads that were measured on one line.

    Attributes:
        limit: the least seconds that one takes.
        cpu: seconds of the reader's processor time that one took.
        reads: how many are told of as one.
    """

    name: str
    limit: float
    judged: Judged
    cpu: float
    reads: int = 1

    @property
    def efficiency(self) -> float:
        """Percent of the physical limit; more than 100 takes violations."""
        return self.limit / self.judged.seconds * 100

    @property
    def figures(self) -> tuple[float, ...]:
        """As in `COLUMNS`."""
        judged = self.judged
        limit, seconds, cpu = (self.reads * one for one in (self.limit, judged.seconds, self.cpu))
        times = limit * 1e3, seconds * 1e3, 1 / limit, 1 / seconds, self.efficiency
        of_all = self.limit / judged.of_all * 100
        return *times, of_all, judged.violations, judged.disturbed, judged.reads, cpu * 1e3


COLUMNS = (
    "limit ms",
    "read ms",
    "limit /s",
    "reads /s",
    "percent",
    "of all",
    "t3.5 broken",
    "disturbed",
    "of",
    "CPU ms/read",
)


class Noting(SerialPort):
    """The agent's serial port, which notes when it is about to write, and what it hears when."""

    def __init__(self, bus: PortBus) -> None:
        super().__init__(bus)
        self.noted: list[Noted] = []
        self._waited: float | None = 0.0

    def write(self, data: bytes) -> None:
        """Note, and send."""
        waited = waited_seconds() - (self._waited or 0.0)
        self.noted.append(Noted(time.monotonic(), waited))
        super().write(data)

    async def receive(self) -> bytes:
        """The next bytes, noted."""
        data = await super().receive()
        self.noted[-1].heard.append((time.monotonic(), len(data)))
        self._waited = None
        return data

    def pending(self) -> bytes:
        """What has come already; asked for at the latest before the next request."""
        if self._waited is None:
            self._waited = waited_seconds()
        return super().pending()


async def ours(path: Path, pace: Pace, registers: int, reads: int) -> tuple[float, list[Noted]]:
    """The agent's link, as its pollers use it."""
    bus = RtuBus(id="line", transport="modbus-rtu", port=path, baud=pace.baud)
    stream = Noting(bus)
    link = ModbusLink(bus, stream)
    await link.open()
    request = Request(Table.HOLDING, 0, registers, ())
    began = time.process_time()
    for _ in range(reads):
        await link.read(1, request, start_within=START_WITHIN)
    used = time.process_time() - began
    link.close()
    return used, stream.noted


async def pymodbus(path: Path, pace: Pace, registers: int, reads: int) -> tuple[float, list[Noted]]:
    """The client of pymodbus; it notes nothing, so that it is judged by what is seen."""
    client = AsyncModbusSerialClient(str(path), baudrate=pace.baud, timeout=START_WITHIN, retries=0)
    await client.connect()
    began = time.process_time()
    for _ in range(reads):
        await client.read_holding_registers(0, count=registers, device_id=1)
    used = time.process_time() - began
    client.close()
    return used, []


def run() -> Report:
    """Measure."""
    logging.getLogger("edge_agent").setLevel(logging.ERROR)
    agent = {baud: list(_agent(Pace(baud))) for baud in READS}
    others = [*_pymodbus(), *_latency_timers(), *_merging()]
    lines = [line for measured in agent.values() for _, line in measured] + others
    lowest = {
        f"efficiency_{baud}": min(line.efficiency for n, line in measured if n in LARGE)
        for baud, measured in agent.items()
    }
    violations = sum(line.judged.violations for line in lines if line.name.startswith("agent"))
    empty = (None,) * len(COLUMNS)
    neighbours = [
        (name, (*empty[:2], before, after, after / before * 100, *empty[5:]))
        for name, before, after in bus_neighbours.measure()
    ]
    return Report(
        name="bus",
        title="8N1; slaves answer after t3.5",
        columns=COLUMNS,
        rows=(*((line.name, line.figures) for line in lines), *neighbours),
        line={**lowest, "violations": violations},
    )


def measure(name: str, reads: Reads, slaves: Slaves, registers: int, count: int) -> Line:
    """Read so often in a row."""
    pace = slaves.pace
    with emulated_port.port(slaves) as port:
        used, noted = asyncio.run(reads(port.path, pace, registers, count))
        judged = judge(port.served(), pace, noted)
    return Line(name=name, limit=pace.limit(registers), judged=judged, cpu=used / count)


def _agent(pace: Pace) -> Iterator[tuple[int, Line]]:
    for registers in REGISTERS:
        for way, told in (
            ("byte by byte", EachByte()),
            ("FIFO", Fifo(MARK, IDLE * pace.character)),
        ):
            name = f"agent, {pace.baud}, {registers} registers, {way}"
            yield registers, measure(name, ours, Slaves(pace, told), registers, READS[pace.baud])


def _pymodbus() -> Iterator[Line]:
    for baud, reads in READS.items():
        for registers in LARGE:
            name = f"pymodbus, unpaced, {baud}, {registers} registers, byte by byte"
            yield measure(name, pymodbus, Slaves(Pace(baud)), registers, reads // 2 + 1)


def _latency_timers() -> Iterator[Line]:
    baud = 115_200
    for milliseconds in (16, 1):
        told = LatencyTimer(milliseconds / 1e3)
        name = f"agent, {baud}, 50 registers, USB latency timer {milliseconds} ms"
        yield measure(name, ours, Slaves(Pace(baud), told), 50, READS[baud] // 2)


def _merging() -> Iterator[Line]:
    slaves = Slaves(Pace(9_600))
    single = measure("agent, 9600, 20 floats one by one", ours, slaves, 2, FLOATS)
    yield replace(single, reads=FLOATS)
    yield measure("agent, 9600, 20 floats as one block", ours, slaves, 2 * FLOATS, 6)
