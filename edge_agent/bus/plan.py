"""Channels wanted to the cheapest reads: planned once, polled many times.

A read costs its overhead and the time of what it carries. Channels, sorted by address, are cut
into runs so that the sum is least: those that share registers are read once, and a gap is bridged
where that is cheaper on this bus than another request, within what the device answers in one read.
What a channel leans on (`sf`, `valid_if`) is in the same read wherever one read can hold it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge_agent.bus.cost import Cost
from edge_agent.bus.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from device_profiles.behaviour import Limits
    from device_profiles.channel import RegisterChannel
    from device_profiles.registers import Table

FEWEST = Cost(char_seconds=0.0, overhead_seconds=1.0)
"""For a device whose values belong together only within one read: as few as it answers."""


class ChannelTooWide(ValueError):
    """A channel needs more registers than one read may ask for."""


def plan(
    channels: Iterable[RegisterChannel],
    limits: Limits,
    cost: Cost,
    *,
    resets: Iterable[RegisterChannel] = (),
) -> tuple[Request, ...]:
    """The cheapest reads in which every channel is whole, in one of them.

    Args:
        channels: wanted; those that can only be written are left out. What one of them leans on
            is among them.
        limits: of the device.
        cost: of the bus.
        resets: all the device's channels that a read changes, wanted or not: a read holds nothing
            beside one of them, and bridges none.

    Raises:
        ChannelTooWide: if a channel alone is more than one read may ask for.
    """
    wanted = [channel for channel in channels if channel.access.is_read]
    known = {channel.id: channel for channel in wanted}
    barriers = tuple(resets)
    tables: dict[Table, list[RegisterChannel]] = {}
    for channel in wanted:
        tables.setdefault(channel.table, []).append(channel)
    return tuple(
        request
        for table in sorted(tables)
        for request in _Runs(tables[table], known, limits, barriers).cheapest(
            FEWEST if limits.coherent else cost
        )
    )


class _Runs:
    """The channels of one table by address, and which neighbours one read can hold."""

    def __init__(
        self,
        channels: Iterable[RegisterChannel],
        known: Mapping[str, RegisterChannel],
        limits: Limits,
        resets: Sequence[RegisterChannel],
    ) -> None:
        self._channels = sorted(channels, key=_place)
        self._table = self._channels[0].table
        self._limits = limits
        self._room = limits.room(self._table)
        self._barriers = [channel for channel in resets if channel.table is self._table]
        for channel in self._channels:
            if channel.width > self._room:
                raise ChannelTooWide(
                    f"{channel.id!r} is {channel.width} registers wide; one read takes {self._room}"
                )
        self._props = {
            channel.id: self._held_with(channel, _leans_on(channel, known))
            for channel in self._channels
        }

    def cheapest(self, cost: Cost) -> Iterator[Request]:
        """The reads that the cheapest cuts make, found from the end backwards."""
        channels = self._channels
        best = [0.0] * (len(channels) + 1)
        cuts = [0] * len(channels)
        for start in reversed(range(len(channels))):
            options = (
                (cost.read(self._table, count) + best[stop], stop)
                for stop, count in self._from(start)
            )
            best[start], cuts[start] = min(options, key=lambda option: (option[0], -option[1]))
        start = 0
        while start < len(channels):
            yield self._request(channels[start : cuts[start]])
            start = cuts[start]

    def _request(self, run: Sequence[RegisterChannel]) -> Request:
        own = {channel.id for channel in run}
        beside = {prop.id: prop for channel in run for prop in self._props[channel.id]}
        request = Request.of(run, [prop for prop in beside.values() if prop.id not in own])
        return replace(request, spare=self._spare(request))

    def _spare(self, request: Request) -> int:
        """How many registers or bits behind a read it may bring too."""
        if self._limits.one_channel_per_request:
            return 0
        bounds = self._limits.bounds(request.channels[0])
        readable = bounds[1] + 1 - request.end if bounds else 0
        barriers = [each.address - request.end for each in self._barriers if each.end > request.end]
        return max(0, min(self._room - request.count, self._limits.max_gap, readable, *barriers))

    def _from(self, start: int) -> Iterator[tuple[int, int]]:
        """Where a read that begins with channel `start` may stop (behind it), and what it counts.

        What channels lean on may lie before the first, or fill a gap.
        """
        first = self._channels[start]
        spans: list[tuple[int, int]] = []
        low, high, leans = first.address, first.address, False
        for index in range(start, len(self._channels)):
            channel = self._channels[index]
            gap = channel.address - high
            props = self._props[channel.id]
            leans = leans or bool(props)
            spans += [_place(each) for each in (channel, *props)]
            low = min(low, *(address for address, _ in spans[-len(props) - 1 :]))
            high = max(high, *(end for _, end in spans[-len(props) - 1 :]))
            if high - low > self._room or not self._joins(channel, first, low, high):
                return
            if gap > self._limits.max_gap and not leans:
                return
            if not leans or _widest_gap(spans) <= self._limits.max_gap:
                yield index + 1, high - low

    def _joins(self, channel: RegisterChannel, first: RegisterChannel, low: int, high: int) -> bool:
        """Whether one read from `low` to `high` may hold both; more channels change no refusal."""
        if channel is first:
            return True
        if self._limits.one_channel_per_request:
            return _place(channel) == _place(first)
        crossed = any(low < barrier.end and barrier.address < high for barrier in self._barriers)
        return not crossed and self._limits.bounds(channel) == self._limits.bounds(first)

    def _held_with(
        self, channel: RegisterChannel, leans_on: Iterable[RegisterChannel]
    ) -> tuple[RegisterChannel, ...]:
        """What it leans on, as far as one read can hold it too."""
        held = [channel]
        for prop in leans_on:
            spans = [_place(each) for each in (*held, prop)]
            low, high = min(spans)[0], max(end for _, end in spans)
            if (
                prop.table is self._table
                and high - low <= self._room
                and _widest_gap(spans) <= self._limits.max_gap
                and self._joins(prop, channel, low, high)
            ):
                held.append(prop)
        return tuple(held[1:])


def _place(channel: RegisterChannel) -> tuple[int, int]:
    return channel.address, channel.end


def _leans_on(
    channel: RegisterChannel, known: Mapping[str, RegisterChannel]
) -> Iterator[RegisterChannel]:
    if channel.sf is not None:
        yield known[channel.sf]
    if channel.valid_if is not None:
        condition = known[channel.valid_if.channel]
        yield condition
        yield from _leans_on(condition, known)


def _widest_gap(spans: Iterable[tuple[int, int]]) -> int:
    """The most registers between two of these that none of them has."""
    widest, end = 0, None
    for address, stop in sorted(spans):
        widest = widest if end is None else max(widest, address - end)
        end = stop if end is None else max(end, stop)
    return widest
