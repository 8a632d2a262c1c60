"""The live picture: every gateway and device as it is now, events for who follows, and counters.

All of it is memory, filled again within a heartbeat after a restart. A follower that is too slow
loses its oldest events, counted; nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from telemetry.announce import About, Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from collector.alarms.transition import Transition
    from collector.arrival import Arrival
    from telemetry.envelope import Clock
    from telemetry.sample import Flag, Sample, Value

QUEUE = 1000
"""Events that may wait for one follower."""


@dataclass(slots=True)
class Counters:
    """What came in and what became of it, since the start.

    Attributes:
        messages: all that was taken from the broker.
        foreign: on topics, or with contents, that are no part of the protocol.
        envelopes: readable ones, each time that they came.
        refused: unreadable ones.
        late: samples that came too late for the live alarms.
        future: samples from a clock that cannot be right.
        duplicates: samples of envelopes that had come before.
        conflicts: values that differ from what is known for the same instant.
        dead_letters: samples that were put aside.
        events_dropped: events that followers were too slow for.
    """

    messages: int = 0
    foreign: int = 0
    envelopes: int = 0
    samples: int = 0
    values: int = 0
    refused: int = 0
    late: int = 0
    future: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    events_dropped: int = 0


@dataclass(slots=True)
class Gateway:
    """One agent: what it says of itself, and when it was last heard (collector's time, ms)."""

    status: Status | None = None
    about: About | None = None
    last_seen: int = 0
    clock: Clock | None = None

    @property
    def version(self) -> str:
        """Of the agent's software; empty while it has not told."""
        return self.about.version if self.about else ""


@dataclass(slots=True)
class DevicePicture:
    """The latest word on every channel of one device; `at` (ms) is of its latest sample."""

    at: int = 0
    values: dict[str, Value] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample that is the latest of its device."""

    agent: str
    sample: Sample


@dataclass(frozen=True, slots=True)
class GatewayChanged:
    """An agent went on or off line, or described itself anew."""

    agent: str


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """A transition that is in the journal."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class StoreChanged:
    """The store takes data again, or does not."""

    state: Literal["up", "down"]


LiveEvent = Sampled | GatewayChanged | AlarmChanged | StoreChanged


class Live:
    """What is known now."""

    def __init__(self) -> None:
        self.gateways: dict[str, Gateway] = {}
        self.devices: dict[tuple[str, str], DevicePicture] = {}
        self.store: Literal["up", "down"] = "up"
        self.counters = Counters()
        self._followers: set[_Follower] = set()

    def gateway(self, agent: str) -> Gateway:
        """The agent's entry, made if there is none."""
        return self.gateways.setdefault(agent, Gateway())

    def hear(self, agent: str, news: Status | About, at: int) -> None:
        """Take note of what an agent announces."""
        gateway = self.gateway(agent)
        gateway.last_seen = at
        match news:
            case Status():
                gateway.status = news
            case About():
                gateway.about = news
        self._tell(GatewayChanged(agent))

    def see(self, arrival: Arrival) -> None:
        """Take note of what samples say; one that is older than the picture changes nothing."""
        gateway = self.gateway(arrival.agent)
        gateway.last_seen = arrival.at
        gateway.clock = arrival.envelope.clock
        for sample in arrival.envelope.samples:
            picture = self.devices.setdefault((arrival.agent, sample.device), DevicePicture())
            if sample.at >= picture.at:
                _draw(picture, sample)
                if self._followers:
                    self._tell(Sampled(arrival.agent, sample))

    def alarm(self, transitions: Iterable[Transition]) -> None:
        """Pass on what happened to alarms."""
        for transition in transitions:
            self._tell(AlarmChanged(transition))

    def tell_store(self, state: Literal["up", "down"]) -> None:
        """Take note of the store's state."""
        self.store = state
        self._tell(StoreChanged(state))

    async def subscribe(self, most: int = QUEUE) -> AsyncGenerator[LiveEvent, None]:
        """Events from now on; at most `most` of them wait."""
        follower = _Follower(most)
        self._followers.add(follower)
        try:
            while True:
                yield await follower.next()
        finally:
            self._followers.discard(follower)

    def _tell(self, event: LiveEvent) -> None:
        for follower in self._followers:
            self.counters.events_dropped += follower.put(event)


class _Follower:
    def __init__(self, most: int) -> None:
        self._events: deque[LiveEvent] = deque(maxlen=most)
        self._filled = asyncio.Event()

    def put(self, event: LiveEvent) -> bool:
        """Whether an older event had to go for this one."""
        full = len(self._events) == self._events.maxlen
        self._events.append(event)
        self._filled.set()
        return full

    async def next(self) -> LiveEvent:
        while not self._events:
            self._filled.clear()
            await self._filled.wait()
        return self._events.popleft()


def _draw(picture: DevicePicture, sample: Sample) -> None:
    picture.at = sample.at
    values, flags = picture.values, picture.flags
    if flags:
        for channel in sample.values:
            flags.pop(channel, None)
    values.update(sample.values)
    for channel, flag in sample.flags.items():
        flags[channel] = flag
        if channel not in sample.values:
            values.pop(channel, None)
