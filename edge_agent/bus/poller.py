"""The task that owns a port: whose turn it is, ask, decode, hand over a sample, count.

One silent device costs its bus a deadline now and then; a port that is down costs nobody else.
A poll that cannot take place is flagged at once and then every minute, for the collector to see.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, TypeGuard

from edge_agent.bus.failures import (
    REFUSALS,
    BusDown,
    DeviceException,
    ReadFailed,
)
from edge_agent.bus.health import LONGEST_PAUSE, BackOff, Change, Health, is_silence
from edge_agent.bus.plan import decode_reply
from edge_agent.bus.quarantine import Quarantine
from edge_agent.bus.schedule import Schedule, Turn
from telemetry.sample import BUS_DOWN, ILLEGAL_ADDRESS, NO_REPLY, Flag, Sample, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.bus.modbus import ModbusLink
    from edge_agent.bus.plan import Request
    from edge_agent.site import Round, SiteDevice
    from edge_agent.stamp import Stamps

logger = logging.getLogger(__name__)

RECHECK = 3600.0
"""Seconds after which a refused register is asked for again: an upgrade may have brought it."""


class Outcome:
    """What one round has brought so far."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.flags: dict[str, Flag] = {}
        self.replied = False
        self.answered = False
        self.refused = False

    def take(self, request: Request, words: list[int]) -> None:
        """A reply; it overrules the refusal of a larger read that these channels stood in."""
        for channel in request.channels:
            self.flags.pop(channel.id, None)
        values, flags = decode_reply(request, words)
        self.values |= values
        self.flags |= flags
        self.replied = self.answered = True

    def miss(self, request: Request, flag: Flag) -> None:
        """A request without words."""
        self.flags |= dict.fromkeys((channel.id for channel in request.channels), flag)


class Poller:
    """One bus with its devices.

    Args:
        name: of the bus.
        place: its port, as a technician calls it.
        link: the port.
        devices: on it.
        phase: by round, when in its interval it is read.
        put: takes each sample.
        stamps: of the whole agent.
    """

    def __init__(  # noqa: PLR0913 - these are its parts
        self,
        *,
        name: str,
        place: str,
        link: ModbusLink,
        devices: Sequence[SiteDevice],
        phases: dict[Round, float],
        put: Callable[[Sample], None],
        stamps: Stamps,
    ) -> None:
        self.name = name
        self.place = place
        self.link = link
        self.health = {device.id: Health() for device in devices}
        self.down_since: float | None = None
        self._devices = {device.id: device for device in devices}
        self._phases = phases
        self._put = put
        self._stamps = stamps
        self._reopen = BackOff(first=1.0, longest=30.0)
        self._reads = {each: _fresh(each) for d in devices for each in d.rounds}
        self._told: set[tuple[str, str]] = set()
        # A round of which the device refuses every register is left alone like a silent device.
        self._accepted = {each: Health() for each in self._reads}

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        turns = [Turn(each, each.interval, self._phases[each]) for each in self._reads]
        schedule = Schedule(turns, origin=loop.time())
        try:
            while (wait := schedule.wait(loop.time())) is not None:
                await asyncio.sleep(wait)
                if due := schedule.take(loop.time()):
                    self.health[due.key.device].counters.skipped += due.missed
                    await self._turn(due.key)
        finally:
            self.link.close()

    async def _turn(self, each: Round) -> None:
        loop = asyncio.get_running_loop()
        health = self.health[each.device]
        if not health.may_ask(loop.time()):
            self._skip(each, NO_REPLY)
        elif not self._accepted[each].may_ask(loop.time()):
            self._skip(each, ILLEGAL_ADDRESS)
        elif not await self._is_open():
            self._skip(each, BUS_DOWN)
        else:
            await self.poll(each)

    def _skip(self, each: Round, flag: Flag) -> None:
        health = self.health[each.device]
        health.counters.skipped += 1
        if health.tell(each, asyncio.get_running_loop().time()):
            self._hand_over(each.device, {}, {channel.id: flag for channel in each.channels})

    async def poll(self, each: Round) -> None:
        """Read a round and hand over its sample; the port must be open."""
        health = self.health[each.device]
        reads, device = self._reads[each], self._devices[each.device]
        outcome = Outcome()
        pending = deque(reads.due(asyncio.get_running_loop().time()))
        while pending:
            request = pending.popleft()
            failure = await self._ask(device, request, reads, outcome)
            if isinstance(failure, DeviceException) and failure.code in REFUSALS:
                pending.extendleft(reversed(self._refused(reads, request, outcome)))
            elif _is_hopeless(failure, outcome, health):
                for rest in pending:
                    outcome.miss(rest, failure.flag)
                break
        self._judge(each, outcome, health)

    async def _ask(
        self, device: SiteDevice, request: Request, reads: Quarantine, outcome: Outcome
    ) -> ReadFailed | None:
        counters = self.health[device.id].counters
        counters.requests += 1
        try:
            words = await self.link.read(
                device.settings.unit,
                request,
                start_within=device.response,
                late_within=device.profile.timing.response_timeout,
                pause=device.profile.timing.pause,
            )
        except ReadFailed as failure:
            counters.failed(failure)
            outcome.miss(request, failure.flag)
            outcome.replied |= not is_silence(failure)
            return failure
        counters.replies += 1
        outcome.take(request, words)
        reads.answered(request)
        return None

    def _refused(
        self, reads: Quarantine, request: Request, outcome: Outcome
    ) -> tuple[Request, ...]:
        outcome.refused = True
        return reads.refused(request, asyncio.get_running_loop().time())

    def _judge(self, each: Round, outcome: Outcome, health: Health) -> None:
        """Draw the conclusions of a round, and hand over its sample."""
        if outcome.answered:
            self._tell_refusals(each)
        elif outcome.refused:
            # A device that refuses everything is starting up, or is another one: learn nothing.
            self._reads[each] = _fresh(each)
        if outcome.replied:
            self._note_refusal(each, accepted=outcome.answered or not outcome.refused)
        if self.link.is_open or outcome.replied:
            self._note(each.device, health, replied=outcome.replied)
        flags = outcome.flags | self._reads[each].flags
        self._hand_over(each.device, outcome.values, flags)

    def _note(self, device: str, health: Health, *, replied: bool) -> None:
        now = asyncio.get_running_loop().time()
        since = health.silent_since
        match health.polled(replied=replied, now=now):
            case Change.SILENT:
                logger.warning(
                    "device %s on bus %s: no reply; asked again every %d s at most",
                    device,
                    self.name,
                    LONGEST_PAUSE,
                )
            case Change.BACK if since is not None:
                logger.info("device %s on bus %s: back after %d s", device, self.name, now - since)
                # It may be another one, or another firmware.
                for each in self._devices[device].rounds:
                    self._reads[each] = _fresh(each)
            case _:
                pass

    def _note_refusal(self, each: Round, *, accepted: bool) -> None:
        now = asyncio.get_running_loop().time()
        if self._accepted[each].polled(replied=accepted, now=now) is Change.SILENT:
            logger.warning(
                "device %s on bus %s: it refuses all of %s; is the profile right? "
                "Asked again every %d s at most",
                each.device,
                self.name,
                ", ".join(f"{c.table} {c.address} ({c.id})" for c in each.channels),
                LONGEST_PAUSE,
            )

    def _tell_refusals(self, each: Round) -> None:
        refused = self._reads[each].flags
        for channel in each.channels:
            if channel.id in refused and (each.device, channel.id) not in self._told:
                self._told.add((each.device, channel.id))
                logger.warning(
                    "device %s on bus %s: it has no %s register %d (channel %s); not asked for now",
                    each.device,
                    self.name,
                    channel.table,
                    channel.address,
                    channel.id,
                )

    async def _is_open(self) -> bool:
        """Open the port if it is not, unless that failed just now."""
        if self.link.is_open:
            return True
        now = asyncio.get_running_loop().time()
        if not self._reopen.may_try(now):
            return False
        try:
            await self.link.open()
        except BusDown as reason:
            self._reopen.failed(asyncio.get_running_loop().time())
            if self.down_since is None:
                self.down_since = now
                logger.warning("bus %s: %s is down: %s", self.name, self.place, reason)
            return False
        self._reopen.worked()
        if self.down_since is not None:
            logger.info("bus %s: reopened after %d s", self.name, now - self.down_since)
            self.down_since = None
        return True

    def _hand_over(self, device: str, values: dict[str, Value], flags: dict[str, Flag]) -> None:
        at = self._stamps.stamp(device, time.time_ns() // 1_000_000)
        self._put(Sample(device, at, values, flags))


def _fresh(each: Round) -> Quarantine:
    return Quarantine(each.requests, recheck=RECHECK)


def _is_hopeless(
    failure: ReadFailed | None, outcome: Outcome, health: Health
) -> TypeGuard[ReadFailed]:
    """Whether the rest of the round would only cost the bus time.

    A device that answered last time is asked for the rest: some leave single reads unanswered.
    """
    if isinstance(failure, BusDown):
        return True
    return failure is not None and is_silence(failure) and not outcome.replied and health.doubted
