"""Promise: one agent reads over every transport that its configuration knows, at the same time.

The far ends share no code with it: pymodbus's servers, libmodbus's in C, and a meter of the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import pytest

from device_profiles.loader import find
from edge_agent.bus.settings import AnyBus
from parts.instruments import answering
from parts.meters import Dlt645Meter
from parts.modbus_slaves import (
    HOST,
    ascii_,
    libmodbus_rtu,
    rtu_over_tcp,
    tcp,
    tls,
    udp,
)
from parts.site import agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from parts.site import AgentProcess

pytestmark = pytest.mark.system

PROFILE = """
schema: device-profile/1
id: thousand
revision: 1
title: Registers that say 1000 and their number
class: test
measurement: test
sources: [{own: made for tests}]
groups: {all: {interval: 200ms}}
defaults: {table: holding, type: u16, group: all}
channels:
  - {id: first, address: 0}
  - {id: last, address: 199}
examples:
  - {table: holding, address: 0, hex: "03e8", values: {first: 1000}, source: computed}
"""
SAYS: dict[str, dict[str, float]] = {
    "thousand": {"first": 1000, "last": 1199},
    "dlt645-2007": {"voltage_l1": 230.5},
}
METER = Dlt645Meter("000000000161", {"02010100": bytes.fromhex("0523")})
ONLY_VOLTAGE = {
    channel.id: {"off": True}
    for channel in find("dlt645-2007").channels
    if channel.id != "voltage_l1"
}


@contextlib.asynccontextmanager
async def serial() -> AsyncIterator[dict[str, Any]]:
    async with answering(METER.answer) as port:
        yield {"transport": "serial", "port": str(port), "parity": "E"}


@contextlib.asynccontextmanager
async def serial_over_tcp() -> AsyncIterator[dict[str, Any]]:
    meter = Dlt645Meter(METER.address, METER.items)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(4096):
            writer.write(meter.answer(heard))
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield {"transport": "serial-over-tcp", "host": HOST, "port": port}


@dataclass
class Site:
    """Far ends that answer, and the devices that an agent finds there."""

    buses: list[dict[str, Any]] = field(default_factory=list)
    devices: list[dict[str, Any]] = field(default_factory=list)

    def add(self, bus: dict[str, Any], profile: str, **more: object) -> None:
        """A bus with a device, both named after its transport."""
        name = bus["transport"]
        self.buses.append(bus | {"id": name})
        self.devices.append({"id": name, "bus": name, "profile": profile, **more})


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A bus of each transport."""
    found = Site()
    async with contextlib.AsyncExitStack() as far_ends:
        for slave in (libmodbus_rtu, ascii_, tcp, rtu_over_tcp, udp, tls):
            (tmp_path / slave.__name__).mkdir()
            bus = await far_ends.enter_async_context(slave(tmp_path / slave.__name__))
            found.add(bus.model_dump(mode="json", exclude_unset=True), "thousand")
        for meter in (serial, serial_over_tcp):
            at = await far_ends.enter_async_context(meter())
            found.add(at, "dlt645-2007", interval="300ms", channels=ONLY_VOLTAGE)
        yield found


async def test_each_transport_brings_its_devices_values(site: Site, tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/thousand.yaml").write_text(PROFILE)
    config = {"buses": site.buses, "devices": site.devices}
    with agent(tmp_path, config | {"profiles_dir": str(tmp_path / "profiles")}) as gateway:
        await asyncio.to_thread(gateway.start)
        for device in site.devices:
            await asyncio.to_thread(until_read, gateway, device["id"], SAYS[device["profile"]])
        states = {bus["id"]: bus["state"] for bus in gateway.status()["buses"]}
        assert await asyncio.to_thread(gateway.stop) == 0

    assert states == dict.fromkeys(every_transport(), "up")
    assert "Traceback" not in gateway.log()


def until_read(gateway: AgentProcess, device: str, values: dict[str, float]) -> None:
    def is_read() -> bool:
        return any(sample["values"] == values for sample in gateway.device(device)["samples"])

    gateway.until(is_read, f"values over {device}")


def every_transport() -> set[str]:
    """As the configuration's model has them."""
    fields = (bus.model_fields["transport"] for bus in get_args(AnyBus))
    return {name for each in fields for name in get_args(each.annotation)}
