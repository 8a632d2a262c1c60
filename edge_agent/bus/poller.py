"""The task that owns a port: whose turn it is, ask, decode, hand over a sample, count.

One silent device costs its bus a deadline now and then; a port that is down costs nobody else.
A poll that cannot take place is flagged at once and then every minute, for the collector to see.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown, ReadFailed
from edge_agent.bus.health import FIRST_PAUSE, BackOff, Change, Health, rest_after
from edge_agent.bus.quarantine import Quarantine
from edge_agent.bus.reading import Reading
from edge_agent.bus.schedule import Schedule, Turn
from edge_agent.bus.telling import Telling
from telemetry.sample import BUS_DOWN, NO_REPLY, Flag, Sample, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from edge_agent.bus.link import Link
    from edge_agent.bus.rounds import Round
    from edge_agent.site.site import SiteDevice
    from edge_agent.stamp import Stamps

RECHECK = 3600.0
"""Seconds after which a refused register is asked for again: an upgrade may have brought it."""


FIRST_WITHIN = 60.0
"""Seconds after the start within which everything is read once: who installs a meter waits for it,
and after a restart an hourly value is not an hour old."""


def wall_clock() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class Poller:
    """One bus with its devices.

    Args:
        name: of the bus.
        place: its port, as a technician calls it.
        link: the port.
        devices: on it.
        phases: by round, when in its interval it is read.
        put: takes each sample.
        stamps: of the whole agent.
        clock: tells milliseconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 - these are its parts
        self,
        *,
        name: str,
        place: str,
        link: Link,
        devices: Sequence[SiteDevice],
        phases: Mapping[Round, float],
        put: Callable[[Sample], None],
        stamps: Stamps,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self.name = name
        self.place = place
        self.link = link
        self.health = {device.id: Health() for device in devices}
        self.down_since: float | None = None
        self._devices = {device.id: device for device in devices}
        self._put = put
        self._stamps = stamps
        self._clock = clock
        self._reopen = BackOff(first=1.0, longest=30.0)
        self._works = False
        """Whether it has carried something since it was opened: some hang up as soon as asked."""
        apart = [each for device in devices for each in device.rounds]
        together = [each for device in devices for each in device.timetable.together.values()]
        self._reads = {each: _fresh(each) for each in (*apart, *together)}
        # A round of which the device refuses every register is left alone like a silent device.
        self._accepted = {each: Health() for each in self._reads}
        self._refusal: dict[Round, ReadFailed] = {}
        self._owed: set[Round] = set()
        """Rounds whose last turn brought not all, though their next may be an hour away."""
        self._turns = [Turn(each, each.interval, phases[each]) for each in apart]
        self._schedule = Schedule(self._turns, origin=0.0)
        self._telling = Telling(name, place)

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        self._schedule = Schedule(self._turns, origin=loop.time())
        self._bring_forward(loop.time())
        try:
            while (wait := self._schedule.wait(loop.time())) is not None:
                await asyncio.sleep(wait)
                if due := self._schedule.take(loop.time()):
                    self.health[due.key.device].counters.skipped += due.missed
                    await self._turn(due.key)
        finally:
            self.link.close()

    def _bring_forward(self, origin: float) -> None:
        """What is read rarely is read soon after the start too, spread as its slots are."""
        for turn in self._turns:
            if FIRST_WITHIN < turn.interval < math.inf:
                self._schedule.again(turn.key, origin + turn.phase * FIRST_WITHIN / turn.interval)

    async def _turn(self, due: Round) -> None:
        loop = asyncio.get_running_loop()
        health = self.health[due.device]
        met = self._met(due, loop.time())
        each = self._devices[due.device].timetable.together.get(met, due)
        self._owed -= met
        if not health.may_ask(loop.time()):
            self._skip(met, NO_REPLY)
        elif not self._accepted[each].may_ask(loop.time()):
            self._skip(met, self._refusal[each].flag)
        elif not await self._is_open():
            self._skip(met, BUS_DOWN)
        elif await self.poll(each):
            return
        for left in met:
            if math.isinf(left.interval):
                self._again(left)
            else:
                self._owed.add(left)

    def _met(self, due: Round, now: float) -> frozenset[Round]:
        """The rounds that are due now and are read together with this one, itself included."""
        together = self._devices[due.device].timetable.together
        for met in sorted((met for met in together if due in met), key=len, reverse=True):
            also = self._schedule.take_also(met - {due}, now)
            if also is not None:
                skipped = sum(other.missed for other in also)
                self.health[due.device].counters.skipped += skipped
                return met
        return frozenset((due,))

    def _again(self, once: Round) -> None:
        """What is to be read once and was not read is due when the device may be asked again."""
        now = asyncio.get_running_loop().time()
        health = self.health[once.device]
        waits = (health.asked_from, self._accepted[once].asked_from, self._reopen.until)
        self._schedule.again(once, max(now + FIRST_PAUSE, *waits))

    def _skip(self, rounds: frozenset[Round], flag: Flag) -> None:
        for each in rounds:
            health = self.health[each.device]
            health.counters.skipped += 1
            if health.tell(each, asyncio.get_running_loop().time()):
                flags = {channel.id: flag for channel in each.channels}
                self._hand_over(each.device, {}, flags, self._clock())

    async def poll(self, each: Round) -> bool:
        """Read a round and hand over its sample; the port must be open.

        Returns:
            Whether the device has said all that it ever will of this round.
        """
        loop = asyncio.get_running_loop()
        device, health = self._devices[each.device], self.health[each.device]
        reading = Reading(self._reads[each], doubted=health.doubted, now=loop.time())
        at = self._clock()
        while (request := reading.next()) is not None:
            health.counters.requests += 1
            try:
                answer = await self.link.fetch(device, request)
            except ReadFailed as failure:
                at = self._clock()
                health.counters.failed(failure)
                reading.fail(request, failure, loop.time())
                self._note_port(failure)
            else:
                at = self._clock()
                health.counters.replies += 1
                reading.answer(request, answer)
                self._note_port(None)
        self._judge(each, reading, health)
        self._hand_over(each.device, *reading.outcome(), at)
        return reading.complete and reading.answered

    def _judge(self, each: Round, reading: Reading, health: Health) -> None:
        """Draw the conclusions of a round."""
        if reading.answered:
            self._telling.refuses(each, self._reads[each].flags, reading.refusals)
        elif reading.refused:
            # A device that refuses everything is starting up, or is another one: learn nothing.
            self._reads[each] = _fresh(each)
        if reading.replied:
            self._note_refusals(each, {} if reading.answered else reading.refusals)
        if self.link.is_open or reading.replied:
            self._note(each.device, health, replied=reading.replied)

    def _note(self, device: str, health: Health, *, replied: bool) -> None:
        now = asyncio.get_running_loop().time()
        since = health.silent_since
        match health.polled(replied=replied, now=now, rest=self._rest(device)):
            case Change.SILENT:
                self._telling.silent(device, health.asked_from - now)
            case Change.BACK if since is not None:
                self._telling.back(device, now - since)
                self._begin_anew(device, now)
            case _:
                pass

    def _rest(self, device: str) -> float:
        """Seconds that the devices that answer need between two questions to silent ones."""
        silent = {name for name, health in self.health.items() if health.silent_since is not None}
        silent.add(device)
        if len(silent) == len(self.health):
            return 0.0
        asked = self._devices[device]
        return rest_after(asked.response + asked.profile.timing.response_timeout, len(silent))

    def _begin_anew(self, device: str, now: float) -> None:
        """A device that is back may be another one, or another firmware."""
        table = self._devices[device].timetable
        for each in (*table.apart, *table.together.values()):
            self._reads[each] = _fresh(each)
        for each in table.apart:
            if math.isinf(each.interval):
                self._schedule.again(each, now)
        self._make_up([device], now)

    def _make_up(self, devices: Collection[str], now: float) -> None:
        """What could not be read of them is due at once."""
        for each in [each for each in self._owed if each.device in devices]:
            self._owed.remove(each)
            self._schedule.again(each, now)

    def _note_refusals(self, each: Round, refusals: Mapping[str, ReadFailed]) -> None:
        """Take what the device said of a round of which it answered nothing."""
        now = asyncio.get_running_loop().time()
        accepted = not refusals
        if refusals:
            self._refusal[each] = next(iter(refusals.values()))
        if self._accepted[each].polled(replied=accepted, now=now) is Change.SILENT:
            self._telling.refuses_all(each, self._refusal[each])

    async def _is_open(self) -> bool:
        """Open the port if it is not, unless that failed just now."""
        if self.link.is_open:
            return True
        now = asyncio.get_running_loop().time()
        if not self._reopen.may_try(now):
            return False
        self._works = False
        try:
            await self.link.open()
        except BusDown as reason:
            self._note_port(reason)
            return False
        return True

    def _note_port(self, failure: ReadFailed | None) -> None:
        """Take what came of opening the port, or of asking something there."""
        if self._works:
            return
        now = asyncio.get_running_loop().time()
        if isinstance(failure, BusDown):
            self._reopen.failed(now)
            if self.down_since is None:
                self.down_since = now
                self._telling.down(failure)
            return
        self._works = True
        self._reopen.worked()
        if self.down_since is not None:
            self._telling.reopened(now - self.down_since)
            self.down_since = None
        self._make_up([name for name, health in self.health.items() if health.may_ask(now)], now)

    def _hand_over(
        self, device: str, values: dict[str, Value], flags: dict[str, Flag], at: int
    ) -> None:
        self._put(Sample(device, self._stamps.stamp(device, at), values, flags))


def _fresh(each: Round) -> Quarantine:
    return Quarantine(each.requests, recheck=RECHECK)
