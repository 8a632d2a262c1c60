"""Promise: meters and controllers are read over a real port, from the question to the fields."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

import pytest

from edge_agent.bus.failures import DeviceRefused, NoReply
from edge_agent.bus.fields import FieldLink
from edge_agent.bus.settings import SerialBus
from edge_agent.protocols import PROTOCOLS
from parts.instruments import answering
from parts.meters import Dlt645Meter, SignalController

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.protocols.conversation import Fields

METER = Dlt645Meter(
    "000000000161",
    {"02010100": bytes.fromhex("0110"), "0001FF00": bytes.fromhex("11111111 22222222")},
    part=5,
)


async def ask(
    answer: Callable[[bytes], bytes], protocol: str, address: str, *fields: str
) -> Fields:
    """What a device that answers so says, over a port of its own."""
    async with answering(answer) as port:
        link = FieldLink(SerialBus(id="line", transport="serial", port=port, baud=115_200))
        await link.open()
        try:
            (question,) = PROTOCOLS[protocol].questions(address, fields)
            return await link.ask(address, question, start_within=2)
        finally:
            link.close()


async def test_a_meters_item_in_several_frames() -> None:
    said = await ask(METER.answer, "dlt645", "000000000161", "0001FF00.1")

    assert said == {"0001FF00.1": 22222222}


async def test_a_meter_that_has_no_such_item() -> None:
    with pytest.raises(DeviceRefused, match="no such data"):
        await ask(METER.answer, "dlt645", "000000000161", "02010300")


async def test_a_controllers_status_with_escaped_bytes() -> None:
    controller = SignalController({0x8C: bytes([0, 0x7E, 0x7D]) + bytes(29)})

    said = await ask(controller.answer, "ab3418", "1", "status", "pattern", "local_cycle_clock")

    assert said == {"status": 0x7E, "pattern": 0x7D, "local_cycle_clock": 0}


async def test_a_controller_of_another_drop_number_is_silent() -> None:
    controller = SignalController({0x8C: bytes(32)}, address=0x09)

    async with answering(controller.answer) as port:
        link = FieldLink(SerialBus(id="line", transport="serial", port=port))
        await link.open()
        (question,) = PROTOCOLS["ab3418"].questions("1", ["flags"])
        with pytest.raises(NoReply):
            await link.ask("1", question, start_within=0.1)
        link.close()


async def test_an_optical_heads_speed_is_changed_and_changed_back() -> None:
    heard: list[bytes] = []
    text = b"1-0:1.8.0*255(0000502.853*kWh)\r\n!\r\n\x03"
    replies = {
        b"/?!\r\n": b"/ISk5MT174-0002\r\n",
        b"\x06050\r\n": b"\x02" + text + bytes([reduce(xor, text)]),
    }
    begun = bytearray()

    def answer(data: bytes) -> bytes:
        begun.extend(data)
        if not begun.endswith(b"\r\n"):
            return b""
        heard.append(bytes(begun))
        begun.clear()
        return replies[heard[-1]]

    async with answering(answer) as port:
        bus = SerialBus(id="head", transport="serial", port=port, baud=300, parity="E", data_bits=7)
        link = FieldLink(bus)
        await link.open()
        (question,) = PROTOCOLS["iec62056-21"].questions("", ["1.8.0 kWh"])
        said = [await link.ask("", question, start_within=2) for _ in range(2)]
        link.close()

    assert said == [{"1.8.0 kWh": 502.853}] * 2
    assert heard == [b"/?!\r\n", b"\x06050\r\n"] * 2


async def test_an_mbus_meters_readout() -> None:
    records = bytes.fromhex("0808 72 78034911 7704 0e 16 0a 00 0000 0413 39300000")
    telegram = bytes([0x68, len(records), len(records), 0x68]) + records
    replies = {
        bytes.fromhex("1040084816"): b"\xe5",
        bytes.fromhex("107b088316"): telegram + bytes([sum(records) & 0xFF, 0x16]),
    }

    said = await ask(lambda data: replies.get(data, b""), "mbus", "8", "volume", "id")

    assert said == {"volume": 12.345, "id": "11490378"}
