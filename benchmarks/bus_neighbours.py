"""What a dead device costs the others on its line, and a dead line the devices in the network.

    5 meters on a full line, 5 in the network ─► a meter dies ─► all of them ─► the adapter is gone

The agent's own pollers, in real time; the line is emulated (`emulated_wire`).
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import emulated_port, site
from benchmarks.emulated_wire import Pace, Slaves
from benchmarks.processes import background
from device_profiles.model import ModbusProfile
from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller
from edge_agent.bus.rounds import spread
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.config import DeviceSettings
from edge_agent.site.site import site_device
from edge_agent.stamp import Stamps
from telemetry import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.site.site import SiteDevice
    from telemetry.sample import Sample

PACE = Pace(19_200)

METERS = 5
"""On the line; the last one dies."""

EVERY = "165ms"
"""Between two polls of each meter: five reads of 20 registers are 156 ms, a full line."""

NETWORK, OFTEN = 5, "50ms"
"""Devices in the network, and the time between two polls of each."""

SETTLE, BEFORE, NOTICING, AFTER, DOWN = 1.0, 5.0, 1.5, 16.0, 5.0
"""Seconds: to connect; all well; until the dead one is left alone; one dead; all silent, or gone.

In `AFTER` the dead one is asked again twice, after 5 and 15 s, which is more often than later on.
"""

TIMING = "timing: {response_timeout: 100ms, turnaround: 2ms}\n"


@dataclass
class Heard:
    """Good samples: when each device's came (monotonic seconds)."""

    at: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def put(self, sample: Sample) -> None:
        """Take one."""
        if sample.values:
            self.at[sample.device].append(time.monotonic())

    def rate(self, names: Sequence[str], since: float, until: float) -> float:
        """Samples a second of these devices together."""
        return sum(rate([at for at in self.at[name] if since <= at < until]) for name in names)


def rate(times: Sequence[float]) -> float:
    """How many a second, from the first to the last: where the window is cut does not count."""
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def measure() -> list[tuple[str, float, float]]:
    """What was measured, and samples a second before and after."""
    with contextlib.ExitStack() as stack:
        heard, told = multiprocessing.get_context("spawn").Pipe(duplex=False)
        stack.enter_context(background(site.serve_devices, NETWORK, told))
        adapter = stack.enter_context(contextlib.ExitStack())
        port = adapter.enter_context(emulated_port.port(Slaves(PACE)))
        return asyncio.run(_story(port, adapter, heard.recv()))


async def _story(
    port: emulated_port.Port, adapter: contextlib.ExitStack, ports: Sequence[int]
) -> list[tuple[str, float, float]]:
    serial = RtuBus(id="line", transport="modbus-rtu", port=port.path, baud=PACE.baud)
    meters = _devices(serial, METERS, EVERY)
    network = [
        TcpBus(id=f"net-{each}", transport="modbus-tcp", host="127.0.0.1", port=each)
        for each in ports
    ]
    away = [_devices(bus, 1, OFTEN) for bus in network]
    heard = Heard()
    pollers = [
        _poller(serial, meters, heard),
        *(_poller(bus, on_it, heard) for bus, on_it in zip(network, away, strict=True)),
    ]
    polling = [asyncio.create_task(poller.run()) for poller in pollers]
    await asyncio.sleep(SETTLE)
    well = await _pass(BEFORE)
    port.silence(METERS)
    await asyncio.sleep(NOTICING)
    one_dead = await _pass(AFTER)
    port.silence(*range(1, METERS + 1))
    all_silent = await _pass(DOWN)
    adapter.close()
    gone = await _pass(DOWN)
    for task in polling:
        task.cancel()
    await asyncio.gather(*polling, return_exceptions=True)
    others = [device.id for device in meters[:-1]]
    apart = [device.id for on_it in away for device in on_it]
    return [
        (name, heard.rate(devices, *well), heard.rate(devices, *then))
        for name, devices, then in (
            ("the other 4 meters of a full line, 1 dead", others, one_dead),
            ("5 devices in the network, a line all silent", apart, all_silent),
            ("5 devices in the network, its adapter gone", apart, gone),
        )
    ]


async def _pass(seconds: float) -> tuple[float, float]:
    """From when to when it was."""
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return began, time.monotonic()


def _devices(bus: RtuBus | TcpBus, count: int, interval: str) -> list[SiteDevice]:
    text = site.PROFILE.replace("groups:", f"{TIMING}groups:") + site.CHANNELS
    profile = settings.parse(text, ModbusProfile, "bench-20.yaml")
    return [
        site_device(
            DeviceSettings.model_validate(
                {
                    "id": f"{bus.id}-{unit}",
                    "bus": bus.id,
                    "profile": profile.id,
                    "unit": unit,
                    "interval": interval,
                }
            ),
            bus,
            profile,
        )
        for unit in range(1, count + 1)
    ]


def _poller(bus: RtuBus | TcpBus, devices: Sequence[SiteDevice], heard: Heard) -> Poller:
    return Poller(
        name=bus.id,
        place=bus.place,
        link=link_for(bus),
        devices=devices,
        phases=spread(device.timetable for device in devices),
        put=heard.put,
        stamps=Stamps(),
    )
