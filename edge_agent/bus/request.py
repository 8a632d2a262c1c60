"""One read of registers, and what its words mean.

It brings `channels`, and `beside` them what these lean on (`sf`, `valid_if`) where another read
brings that as a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

from device_profiles.decode import Decoder, decoder
from device_profiles.registers import Type
from edge_agent.bus.planned import ShortReply, decode_round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_profiles.channel import RegisterChannel
    from device_profiles.registers import Table
    from edge_agent.bus.cost import Cost
    from edge_agent.bus.planned import Decoded
    from telemetry.sample import Flag, Value


class _Field(NamedTuple):
    """Where a channel stands in a reply, and its scale factor."""

    id: str
    start: int
    stop: int
    decode: Decoder
    sf: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """One read: `count` registers or bits from `address`, and the channels that are in them.

    `spare`: how many more may be read behind them, as far as is known.
    """

    table: Table
    address: int
    count: int
    channels: tuple[RegisterChannel, ...] = field(hash=False)
    beside: tuple[RegisterChannel, ...] = field(default=(), hash=False)
    spare: int = field(default=1, compare=False)
    _fields: tuple[_Field, ...] = field(init=False, repr=False, compare=False)
    _factors: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile what decodes a reply."""
        inside = (*self.channels, *self.beside)
        fields = tuple(
            _Field(c.id, c.address - self.address, c.end - self.address, decoder(c), c.sf)
            for c in inside
        )
        factors = tuple((c.id, c.address - self.address) for c in inside if c.type is Type.SUNSSF)
        object.__setattr__(self, "_fields", fields)
        object.__setattr__(self, "_factors", factors)

    @classmethod
    def of(
        cls, channels: Sequence[RegisterChannel], beside: Sequence[RegisterChannel] = ()
    ) -> Self:
        """The read that just holds these channels of one table."""
        inside = (*channels, *beside)
        address = min(channel.address for channel in inside)
        count = max(channel.end for channel in inside) - address
        return cls(inside[0].table, address, count, tuple(channels), tuple(beside))

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.count

    def seconds(self, cost: Cost, /) -> float:
        """How long it takes of the bus's time."""
        return cost.read(self.table, self.count)

    def split(self) -> tuple[Request, ...]:
        """Two reads in place of one that the device refused; none if there is nothing to part.

        A bridged gap is the likeliest culprit, so it parts at the gap next to the middle; without
        gaps, in the middle. Parting at every gap at once would leave many small reads behind one
        bad register; this leaves about log2 of them.
        """
        spans = sorted({(c.address, c.end) for c in (*self.channels, *self.beside)})
        if len(spans) == 1:
            return ()
        cut = spans[_cut(spans)]
        before = ([c for c in part if (c.address, c.end) < cut] for part in self._parts)
        behind = ([c for c in part if (c.address, c.end) >= cut] for part in self._parts)
        first, rest = Request.of(*before), Request.of(*behind)
        return tuple(replace(r, spare=self.end + self.spare - r.end) for r in (first, rest))

    def factors(self, answer: Sequence[int], /) -> Mapping[str, int]:
        """The scale factors in a reply's words, as they stand there, by channel.

        Raises:
            ShortReply: if there are fewer words than the request asked for.
        """
        if len(answer) < self.count:
            raise ShortReply(f"{len(answer)} of {self.count} words from {self.address}")
        return {name: answer[index] for name, index in self._factors}

    def decode(
        self, answer: Sequence[int], factors: Mapping[str, int], missing: Mapping[str, Flag], /
    ) -> Decoded:
        """What a reply's words say; `factors` and `missing` are the whole round's."""
        decoded: Decoded = {}
        for name, start, stop, decode, sf in self._fields:
            words = answer[start:stop]
            if sf is None:
                decoded[name] = decode(words)
            elif sf in factors:
                decoded[name] = decode((*words, factors[sf]))
            else:
                decoded[name] = missing[sf]
        return decoded

    @property
    def _parts(self) -> tuple[tuple[RegisterChannel, ...], tuple[RegisterChannel, ...]]:
        return self.channels, self.beside


def decode_reply(
    request: Request, words: Sequence[int]
) -> tuple[dict[str, Value], dict[str, Flag]]:
    """The values of the request's channels, and the flags of those that have none or are doubted.

    Raises:
        ShortReply: if there are fewer words than the request asked for.
    """
    return decode_round([(request, words)], {})


def _cut(spans: list[tuple[int, int]]) -> int:
    """The index of the span that begins the second part."""
    gaps = [
        index for index, (left, right) in enumerate(pairwise(spans), start=1) if right[0] > left[1]
    ]
    middle = len(spans) / 2
    return min(gaps or range(1, len(spans)), key=lambda index: abs(index - middle))
