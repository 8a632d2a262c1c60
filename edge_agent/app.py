"""The agent as a whole: the one place that knows which parts there are.

Every part is a task of one group: an error that no part expects ends them all, and the process,
so that its supervisor starts it anew. What was read by then is in the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import dataclasses
import gc
import logging
import os
import platform
import secrets
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller, wall_clock
from edge_agent.bus.rounds import spread
from edge_agent.clock import ask_kernel, clock_state
from edge_agent.config import GATEWAY, HEALTH_SUFFIX
from edge_agent.delivery.delivery import Delivery
from edge_agent.sampling.sampling import Sampling
from edge_agent.site.load import loads
from edge_agent.site.site import model, version
from edge_agent.stamp import Stamps
from edge_agent.vitals import status, vitals
from edge_agent.vitals.host import Host
from edge_agent.vitals.latest import Latest
from telemetry import announce, systemd
from telemetry.envelope import Clock
from telemetry.language import Lang
from telemetry.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge_agent.site.site import Site
    from telemetry.sample import Value

logger = logging.getLogger(__name__)

CLOCK_INTERVAL = 10.0
"""Seconds between two questions to the kernel about its clock."""

RELEASE_INTERVAL = 1.0
"""Seconds between two looks at samples that wait for a next reading."""


M_ARENA_MAX = -8
"""malloc.h's name for the number of heaps that threads may have."""


class Agent:
    """A site's agent, running while `run` runs.

    Raises:
        SettingsError: if a secret cannot be read.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._config = site.config
        self._boot = secrets.token_hex(8)
        self._started = time.time()
        self._clock = clock_state(site.config.clock.source)
        self._stamps = Stamps()
        self._host = Host(site.config.outbox_path.parent)
        self._samples_read = 0
        self._status_fails = False
        names = [device.id for device in site.devices]
        self._latest = Latest(names)
        self._sampling = Sampling(site.devices)
        self._delivery = Delivery(
            site.config.outbox,
            site.config.uplink,
            path=site.config.outbox_path,
            agent=site.config.agent.id,
            machine=_machine(),
            devices={d.id: d.envelope_device for d in site.devices} | vitals.devices(names),
            clock=self._clock_now,
            about=self._about,
        )
        phases = spread(device.timetable for device in site.devices)
        self._pollers = [
            Poller(
                name=bus.id,
                place=bus.place,
                link=link_for(bus),
                devices=site.on(bus.id),
                phases=phases,
                put=self._take,
                stamps=self._stamps,
            )
            for bus in site.config.buses
        ]

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then everything that was read is in the outbox."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as tasks:
            parts = [self._deliver(), *(poller.run() for poller in self._pollers)]
            parts += [self._release(), self._watch_clock(), self._tell_vitals()]
            parts += [self._tell_status(), _stay_alive()]
            running = [tasks.create_task(part) for part in parts]
            self._tell_start()
            _give_memory_back()
            await stop.wait()
            systemd.notify("STOPPING=1")
            for task in running:
                task.cancel()
        self._write_status()
        logger.info("agent %s: stopped", self._config.agent.id)

    def _tell_start(self) -> None:
        logger.info(
            "agent %s: version %s, %d devices on %d buses, outbox %s",
            self._config.agent.id,
            version(),
            len(self._site.devices),
            len(self._pollers),
            self._config.outbox_path,
        )
        for load in loads(self._site):
            if words := " ".join(load.words(Lang.EN)):
                logger.warning("%s", words)
        systemd.notify("READY=1")

    async def _deliver(self) -> None:
        """Delivery, which takes what sampling still holds before it ends."""
        delivery = asyncio.ensure_future(self._delivery.run())
        try:
            await asyncio.shield(delivery)
        finally:
            if not delivery.done():
                self._hand_on(self._sampling.flush())
                delivery.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await delivery

    async def _release(self) -> None:
        """Let go of what has waited long enough for a next reading, or tell all after an outage."""
        known = 0
        while True:
            await asyncio.sleep(RELEASE_INTERVAL)
            if known != self._delivery.overtakings:
                known = self._delivery.overtakings
                self._sampling.tell_all()
            self._hand_on(self._sampling.overdue(asyncio.get_running_loop().time()))

    async def _watch_clock(self) -> None:
        self._tell_clock()
        while True:
            await asyncio.sleep(CLOCK_INTERVAL)
            now = clock_state(self._config.clock.source)
            if now is not self._clock:
                self._clock = now
                self._tell_clock()

    def _tell_clock(self) -> None:
        if self._clock is Clock.UNKNOWN:
            logger.warning("clock: no time daemon keeps it; samples say so")
        else:
            logger.info("clock: synchronised")

    async def _tell_vitals(self) -> None:
        interval = self._config.vitals.interval
        while interval:
            self._put(GATEWAY, self._gateway_values())
            for poller in self._pollers:
                for name, health in poller.health.items():
                    counts = self._sampling.counts(name)
                    values = {**vitals.health_values(health), **vitals.sampling_values(counts)}
                    self._put(name + HEALTH_SUFFIX, values)
            await asyncio.sleep(interval)

    def _gateway_values(self) -> dict[str, Value]:
        return {
            **self._host.read(),
            **vitals.clock_values(ask_kernel(), self._clock),
            **vitals.backlog_values(self._delivery.stats(), wall_clock()),
            **vitals.overload_values(h for poller in self._pollers for h in poller.health.values()),
        }

    def _put(self, device: str, values: Mapping[str, Value]) -> None:
        at = self._stamps.stamp(device, wall_clock())
        self._take(Sample(device, at, values))

    def _take(self, sample: Sample) -> None:
        self._samples_read += 1
        self._hand_on(self._sampling.take(sample, asyncio.get_running_loop().time()))

    def _hand_on(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            self._latest.take(sample)
            self._delivery.put(sample)

    async def _tell_status(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(self._config.status.interval)

    def _write_status(self) -> None:
        try:
            status.write(self._config.status_dir, self._document())
            self._status_fails = False
        except OSError as error:
            if not self._status_fails:
                logger.warning("status file: %s", error)
            self._status_fails = True

    def _document(self) -> dict[str, object]:
        now = asyncio.get_running_loop().time()
        return {
            "agent": self._config.agent.id,
            "version": version(),
            "pid": os.getpid(),
            "boot": self._boot,
            "config": self._site.digest,
            "at": round(time.time(), 3),
            "started_at": round(self._started, 3),
            "clock": self._clock.value,
            "samples_read": self._samples_read,
            "delivery": dataclasses.asdict(self._delivery.stats()),
            "buses": [status.bus_document(poller, now) for poller in self._pollers],
            "devices": status.device_documents(
                self._pollers, now, self._latest, self._delivery.stored
            ),
        }

    def _clock_now(self) -> Clock:
        return self._clock

    def _about(self) -> announce.About:
        identity, devices = self._config.agent, self._site.devices
        models = {device.profile.id: model(device.profile) for device in devices}
        entries = {
            d.id: announce.DeviceEntry(d.profile.id, d.heartbeat, d.settings.label) for d in devices
        }
        beat = self._config.vitals.interval
        if beat:
            models |= vitals.MODELS
            entries |= vitals.entries((d.id for d in devices), beat)
        return announce.About(
            version=version(),
            boot=self._boot,
            config=self._site.digest,
            site=identity.site or "",
            position=identity.position,
            models=models,
            devices=entries,
        )


def _give_memory_back() -> None:
    """What starting took and left behind, 0.6 to 1.4 MB; collect no more what stays for good."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError):  # a C library without them
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, 1)  # threads would begin heaps of their own, of 0.3 MB
        libc.malloc_trim(0)


async def _stay_alive() -> None:
    """Signs of life for systemd, from the loop that does the work."""
    interval = systemd.watchdog_interval()
    while interval is not None:
        systemd.notify("WATCHDOG=1")
        await asyncio.sleep(interval)


def _machine() -> str:
    """What tells this machine from a copy of its disk (machine-id(5)), or its host name."""
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if path.exists():
            return path.read_text(encoding="utf-8").strip()
    return platform.node()
