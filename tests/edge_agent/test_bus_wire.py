"""No request breaks the silence that a line needs, whatever stands between it and us.

Measured on an emulated line, exact to the byte; how much of the line is used is a benchmark's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from device_profiles.registers import Table
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import RtuBus
from edge_agent.bus.stream import stream_for
from parts.wire import Pace, Watched, wire

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = 20.0
ROUNDS = 10


@pytest.mark.parametrize(
    "pace",
    [
        Pace(9600),
        Pace(115_200),
        Pace(19_200, bits=11, fifo=14),
        Pace(115_200, fifo=14, stretch=1.02),
    ],
    ids=str,
)
async def test_no_request_comes_before_the_line_has_been_silent(pace: Pace, tmp_path: Path) -> None:
    with wire(tmp_path / "ttyUSB0", pace) as line:
        parity = "E" if pace.bits > 10 else "N"
        bus = RtuBus(id="b", transport="modbus-rtu", port=line.port, baud=pace.baud, parity=parity)
        stream = Watched(stream_for(bus))
        link = ModbusLink(bus, stream)
        await link.open()

        for count in [2, 50] * (ROUNDS // 2):
            request = Request(Table.HOLDING, 7, count, ())
            answer = await link.read(1, request, start_within=PATIENT)
            assert answer == list(range(7, 7 + count))

        link.close()
        served = line.finish()

    gaps = [
        written - before.replied
        for written, before in zip(stream.written[1:], served, strict=False)
    ]
    assert len(gaps) == ROUNDS - 1
    assert min(gaps) >= pace.silence
