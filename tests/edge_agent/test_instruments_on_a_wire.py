"""Promise: over a real port an instrument's values arrive, whether it is asked or speaks itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.bus.failures import DeviceRefused, NoReply
from edge_agent.bus.fields import FieldLink
from edge_agent.bus.settings import SerialBus
from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.wxt import crc
from parts.instruments import Sps30, answering, speaking
from telemetry.sample import NOT_VALID

WIRE = Path(__file__).parent.parent / "wire/instruments.json"
FRAMES = {
    record["device"]: bytes.fromhex(record["hex"])
    for record in reversed(json.loads(WIRE.read_text(encoding="utf-8")))
}
"""The first record of each device, so that further ones change nothing here."""

PATIENCE = 20.0
"""Seconds; no test waits for them to pass."""


def link_to(port: Path, baud: int = 9600) -> FieldLink:
    return FieldLink(SerialBus(id="lab", transport="serial", port=port, baud=baud))


async def test_a_sensor_that_stands_still_is_started_and_then_measures() -> None:
    sensor = Sps30(FRAMES["sensirion-sps30"])
    (question,) = PROTOCOLS["sps30"].questions("0", ["pm25", "device_error"])
    async with answering(sensor.answer) as port:
        link = link_to(port, baud=115_200)
        await link.open()

        first = await link.ask("0", question, start_within=PATIENCE)
        second = await link.ask("0", question, start_within=PATIENCE)
        link.close()

    assert first == {"pm25": NOT_VALID, "device_error": False}
    assert second["pm25"] == pytest.approx(9.47, abs=0.01)
    assert [request[2] for request in sensor.heard] == [3, 0, 3, 3]


async def test_a_sensor_that_speaks_by_itself_is_heard_from_the_middle_of_a_frame_on() -> None:
    (question,) = PROTOCOLS["plantower"].questions("active", ["pm25", "n0_3"])
    async with speaking(FRAMES["plantower-pmsx003"], every=0.1) as port:
        link = link_to(port)
        await link.open()

        said = await link.ask("active", question, start_within=PATIENCE)
        link.close()

    assert said == {"pm25": 8, "n0_3": 210}


def transmitter(request: bytes) -> bytes:
    """A Vaisala at address 3 that wants checksums."""
    if request == b"3r0" + crc(b"3r0") + b"\r\n":
        said = b"3r0,Dm=274D,Ta=17.9C"
        return said + crc(said) + b"\r\n"
    if request == b"3R0\r\n":
        return b"3TX,Unknown cmd error\r\n"
    return b""


async def test_a_transmitter_on_a_shared_line_answers_to_its_address_only() -> None:
    ours, other, plain = (
        PROTOCOLS["wxt"].questions(address, ["Dm", "Ta"])[0] for address in ("3/crc", "4/crc", "3")
    )
    async with answering(transmitter) as port:
        link = link_to(port, baud=19_200)
        await link.open()

        said = await link.ask("3/crc", ours, start_within=PATIENCE)
        with pytest.raises(NoReply):
            await link.ask("4/crc", other, start_within=0.05)
        with pytest.raises(DeviceRefused, match="Unknown cmd error"):
            await link.ask("3", plain, start_within=PATIENCE)
        link.close()

    assert said == {"Dm": 274.0, "Ta": 17.9}
