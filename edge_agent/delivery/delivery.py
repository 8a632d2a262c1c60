"""From a sample to the collector's receipt: batcher, outbox, courier and uplink, joined.

    put ─► Batcher ─linger─► Outbox ─span─► Courier ─posting─► Uplink ─► broker
                               ▲                │  ▲               │
                               └─ done receipts ┘  └── receipts ───┘

Three tasks beside the uplink's, each waiting for events: `_pack` makes batches of what came within
a linger, `_keep` writes them (with the receipts that came meanwhile, in one commit), `_send` hands
the uplink what the courier wants published. A disk that cannot be written is a state: batches stay
in bounded memory, are tried again, and what had to go is counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.delivery.batch import Batcher
from edge_agent.delivery.courier import Courier
from edge_agent.delivery.outbox import Outbox, OutboxUnwritable
from edge_agent.delivery.outbox_tables import Totals
from edge_agent.delivery.trace import Trace
from edge_agent.delivery.uplink import Uplink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from edge_agent.delivery.settings import OutboxSettings, UplinkSettings
    from telemetry.announce import About
    from telemetry.envelope import Clock, Device
    from telemetry.sample import Sample

log = logging.getLogger(__name__)

FLUSH_LINGERS = 20
"""Lingers that receipts wait for an append to ride with, before they get a commit of their own."""

RETRY_AFTER = 2.0
"""Seconds between attempts at a disk that fails."""

APPEND_AT_ONCE = 1_000_000
"""Bytes in one commit, so that catching up after a fault of the disk goes in steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStats:
    """How delivery stands; the counts of what happened survive restarts.

    Attributes:
        queued: samples in memory, not yet in the outbox.
        batches: in the outbox, without a final receipt.
        samples: in those batches.
        oldest_at: time of the oldest sample in the outbox, in ms since the epoch, or None.
        bytes: of those batches.
        delivered: samples that the collector has stored.
        refused: batches that the collector could not read.
        dropped: samples lost for want of room on the disk or in memory.
        connected: whether the broker is there.
    """

    queued: int
    batches: int
    samples: int
    oldest_at: int | None
    bytes: int
    delivered: int
    refused: int
    dropped: int
    connected: bool


class Delivery:
    """The agent's way out: `put` samples while `run` runs.

    Args:
        path: of the outbox file.
        agent: the agent's id.
        machine: this machine's id (/etc/machine-id), to which the outbox's stream is bound.
        devices: by id, every device that samples may be of.
        clock: what is known of the system clock, asked for each sample.
        about: what the agent says of itself, asked when it connects.

    Raises:
        SettingsError: if the broker's password cannot be read.
    """

    def __init__(  # noqa: PLR0913 - it joins the parts
        self,
        outbox: OutboxSettings,
        uplink: UplinkSettings,
        *,
        path: Path,
        agent: str,
        machine: str,
        devices: Mapping[str, Device],
        clock: Callable[[], Clock],
        about: Callable[[], About],
    ) -> None:
        self._linger = outbox.linger
        self._clock = clock
        self._batcher = Batcher(devices, capacity=outbox.memory_max)
        self._outbox = Outbox(
            path, machine=machine, max_size=outbox.max_size, quarantine=outbox.quarantine
        )
        self._courier = Courier(
            window=uplink.window,
            retry_after=uplink.retry_after,
            live_window=uplink.live_window,
            backlog_share=uplink.backlog_share,
        )
        self._trace = Trace()
        self._came, self._packed, self._wake = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._uplink = Uplink(
            uplink,
            agent=agent,
            about=about,
            courier=self._courier,
            wake=self._wake.set,
        )
        self._writing: asyncio.Task[bool] | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._fault = ""

    def put(self, sample: Sample) -> None:
        """Take a sample on its way; never blocks.

        Raises:
            ValueError: if its device is not in the devices' table.
        """
        self._batcher.put(sample, self._clock())
        self._came.set()

    async def run(self) -> None:
        """Deliver until cancelled; then everything that was put is in the outbox.

        Raises:
            OutboxInUse: if another process has the outbox.
            UnknownFormat: if the outbox is a later version's.
        """
        await self._write()
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self._pack, self._keep, self._send, self._uplink.run):
                    tasks.create_task(part())
        finally:
            await self._drain()

    def stats(self) -> DeliveryStats:
        """How delivery stands now."""
        totals = self._outbox.totals
        return DeliveryStats(
            queued=self._batcher.queued,
            batches=totals.batches,
            samples=totals.samples,
            oldest_at=self._outbox.oldest_at,
            bytes=totals.bytes,
            delivered=totals.delivered,
            refused=totals.refused,
            dropped=totals.dropped_samples + self._batcher.dropped_samples,
            connected=self._uplink.is_connected,
        )

    @property
    def overtakings(self) -> int:
        """How often what is fresh went ahead of what is old, so that who hears it missed a part."""
        return self._courier.overtakings

    def stored(self, device: str) -> tuple[int, int] | None:
        """The times (ms since epoch) between which, by receipts, all it said is stored."""
        self._trace.receipted(self._courier.done.values())
        return self._trace.stored(device)

    async def _pack(self) -> None:
        while True:
            await self._came.wait()
            await asyncio.sleep(self._linger)
            self._pack_now()

    def _pack_now(self) -> None:
        self._came.clear()
        for sample in self._batcher.pack():
            log.error("outbox: a sample of %s is too large to be sent; dropped", sample.device)
        self._packed.set()

    async def _keep(self) -> None:
        while True:
            await self._packed.wait()
            self._packed.clear()
            while not await self._write_whole() or self._batcher.packed:
                if self._fault:
                    await asyncio.sleep(RETRY_AFTER)

    async def _write_whole(self) -> bool:
        """`_write`, which a stop does not interrupt: it must not stay open whether it happened."""
        self._writing = asyncio.create_task(self._write())
        return await asyncio.shield(self._writing)

    async def _write(self) -> bool:
        """One commit; whether it succeeded."""
        batches = self._batcher.oldest(APPEND_AT_ONCE)
        forget = list(self._courier.done.values())
        lost = (self._batcher.dropped_batches, self._batcher.dropped_samples)
        dropped = Totals(dropped_batches=lost[0], dropped_samples=lost[1])
        try:
            await self._outbox.append(batches, forget, dropped)
        except OutboxUnwritable as fault:
            self._note(fault)
            return False
        self._note(None)
        self._trace.appended(self._outbox.newest, batches)
        self._trace.receipted(forget)
        self._batcher.kept(batches)
        self._batcher.recorded(*lost)
        self._courier.forgotten(forget)
        self._courier.appended(self._outbox.newest, self._outbox.stream)
        self._wake.set()
        return True

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            try:
                await self._post(loop.time())
            except OutboxUnwritable as fault:
                self._note(fault)
                await asyncio.sleep(RETRY_AFTER)
                continue
            self._plan_flush(loop)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._courier.due()):
                    await self._wake.wait()

    async def _post(self, now: float) -> None:
        courier = self._courier
        self._uplink.publish(courier.overdue(now))
        while courier.is_open:
            if courier.needs_mark:
                mark = await self._outbox.newest_before(courier.old_before(_wall()))
                courier.appended(self._outbox.newest, self._outbox.stream)
                courier.marked(mark)
            span = courier.wants()
            if span is None:
                return
            parcels = await self._outbox.read(span)
            self._uplink.publish(courier.offer(span, parcels, at=_wall()))

    def _plan_flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._courier.done and (self._flush is None or self._flush.when() < loop.time()):
            self._flush = loop.call_later(FLUSH_LINGERS * self._linger, self._packed.set)

    async def _drain(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
        if self._writing is not None and not self._writing.done():
            await self._writing
        self._pack_now()
        while self._batcher.packed or self._courier.done:
            if not await self._write():
                log.error("outbox: %d samples in memory are lost", self._batcher.queued)
                break
        await self._outbox.close()

    def _note(self, fault: OutboxUnwritable | None) -> None:
        """Log a change of the disk's state, once."""
        text = str(fault or "")
        if text and text != self._fault:
            log.error("%s; keeping batches in memory, retrying", text)
        elif self._fault and not text:
            log.warning("outbox: writable again")
        self._fault = text


def _wall() -> int:
    """Now, in ms since the epoch."""
    return time.time_ns() // 1_000_000
