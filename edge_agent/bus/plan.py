"""Channels wanted to the cheapest reads: planned once, polled many times.

A read costs its overhead and the time of what it carries. Channels, sorted by address, are cut
into runs so that the sum is least: those that share registers are read once, and a gap is bridged
where that is cheaper on this bus than another request, within what the device answers in one read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

from device_profiles.decode import Decoder, Doubted, decoder
from telemetry.sample import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from device_profiles.model import Channel, Limits
    from device_profiles.registers import Table
    from telemetry.sample import Value

FRAME_CHARS = 8 + 5
"""Characters of a read and its reply beside the data (Modbus over Serial Line V1.02, §2.3)."""

FAST_SILENCE = 0.00175
"""Silence (seconds) between frames above 19200 baud, in place of 3.5 characters (§2.5.1.1)."""


class ChannelTooWide(ValueError):
    """A channel needs more registers than one read may ask for."""


class ShortReply(ValueError):
    """A reply has less than its request asked for."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading takes on this bus, in seconds: for each character of data, and each request."""

    char_seconds: float
    overhead_seconds: float

    @classmethod
    def serial(cls, baud: int, *, char_bits: int = 10, turnaround: float = 0.1) -> Self:
        """On a serial line; `turnaround`: seconds until the device starts to answer."""
        char = char_bits / baud
        silence = 3.5 * char if baud <= 19_200 else FAST_SILENCE  # noqa: PLR2004 - see there
        return cls(char, FRAME_CHARS * char + 2 * silence + turnaround)

    @classmethod
    def tcp(cls, *, round_trip: float = 0.01) -> Self:
        """On a network, where only the number of requests counts."""
        return cls(1e-6, round_trip)

    def seconds(self, request: Request) -> float:
        """How long a request takes, with its reply."""
        return self.read(request.table, request.count)

    def read(self, table: Table, count: int) -> float:
        """How long it takes to read `count` registers or bits."""
        return self.overhead_seconds + self.char_seconds * (
            count / 8 if table.is_bits else 2 * count
        )


class _Field(NamedTuple):
    """Where a channel stands in a reply."""

    id: str
    start: int
    stop: int
    decode: Decoder


@dataclass(frozen=True, slots=True)
class Request:
    """One read: `count` registers or bits from `address`, and the channels that are in them."""

    table: Table
    address: int
    count: int
    channels: tuple[Channel, ...] = field(hash=False)
    _fields: tuple[_Field, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile what decodes a reply."""
        fields = tuple(
            _Field(c.id, c.address - self.address, c.end - self.address, decoder(c))
            for c in self.channels
        )
        object.__setattr__(self, "_fields", fields)

    @classmethod
    def of(cls, channels: Sequence[Channel]) -> Self:
        """The read that just holds these channels of one table."""
        address = min(channel.address for channel in channels)
        count = max(channel.end for channel in channels) - address
        return cls(channels[0].table, address, count, tuple(channels))

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.count

    def split(self) -> tuple[Request, ...]:
        """Two reads in place of one that the device refused; none if there is nothing to part.

        A bridged gap is the likeliest culprit, so it parts at the gap next to the middle; without
        gaps, in the middle. Parting at every gap at once would leave many small reads behind one
        bad register; this leaves about log2 of them.
        """
        spans = sorted({(channel.address, channel.end) for channel in self.channels})
        if len(spans) == 1:
            return ()
        cut = _cut(spans)
        first = [c for c in self.channels if (c.address, c.end) < spans[cut]]
        second = [c for c in self.channels if (c.address, c.end) >= spans[cut]]
        return Request.of(first), Request.of(second)


def plan(channels: Iterable[Channel], limits: Limits, cost: Cost) -> tuple[Request, ...]:
    """The cheapest reads in which every channel is whole, in one of them.

    Raises:
        ChannelTooWide: if a channel alone is more than one read may ask for.
    """
    tables: dict[Table, list[Channel]] = {}
    for channel in channels:
        tables.setdefault(channel.table, []).append(channel)
    return tuple(
        request
        for table in sorted(tables)
        for request in _cheapest(sorted(tables[table], key=_place), limits, cost)
    )


def decode_reply(
    request: Request, words: Sequence[int]
) -> tuple[dict[str, Value], dict[str, Flag]]:
    """The values of the request's channels, and the flags of those that have none or are doubted.

    Raises:
        ShortReply: if there are fewer words than the request asked for.
    """
    if len(words) < request.count:
        raise ShortReply(f"{len(words)} of {request.count} words from {request.address}")
    values: dict[str, Value] = {}
    flags: dict[str, Flag] = {}
    for name, start, stop, decode in request._fields:
        outcome = decode(words[start:stop])
        if isinstance(outcome, Doubted):
            values[name], flags[name] = outcome
        elif isinstance(outcome, Flag):
            flags[name] = outcome
        else:
            values[name] = outcome
    return values, flags


def _place(channel: Channel) -> tuple[int, int]:
    return channel.address, channel.end


def _cheapest(channels: list[Channel], limits: Limits, cost: Cost) -> Iterator[Request]:
    """The cheapest cuts of sorted channels, found from the end backwards."""
    best = [0.0] * (len(channels) + 1)
    cuts = [0] * len(channels)
    for start in reversed(range(len(channels))):
        options = (
            (cost.read(channels[start].table, count) + best[stop], stop)
            for stop, count in _runs(channels, start, limits)
        )
        best[start], cuts[start] = min(options, key=lambda option: (option[0], -option[1]))
    start = 0
    while start < len(channels):
        yield Request.of(channels[start : cuts[start]])
        start = cuts[start]


def _runs(channels: list[Channel], start: int, limits: Limits) -> Iterator[tuple[int, int]]:
    """Where a read that begins with channel `start` may stop (behind it), and what it counts."""
    first = channels[start]
    room = limits.room(first.table)
    if first.width > room:
        raise ChannelTooWide(f"{first.id!r} is {first.width} registers wide; one read takes {room}")
    bounds = limits.bounds(first)
    end = first.end
    for stop in range(start, len(channels)):
        channel = channels[stop]
        if channel.address - end > limits.max_gap or limits.bounds(channel) != bounds:
            return
        end = max(end, channel.end)
        if end - first.address > room:
            return
        yield stop + 1, end - first.address


def _cut(spans: list[tuple[int, int]]) -> int:
    """The index of the span that begins the second part."""
    gaps = [
        index for index, (left, right) in enumerate(pairwise(spans), start=1) if right[0] > left[1]
    ]
    middle = len(spans) / 2
    return min(gaps or range(1, len(spans)), key=lambda index: abs(index - middle))
