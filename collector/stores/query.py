"""What may be asked of the stored series, and how partial answers become one.

A query compiles to SQL or InfluxQL elsewhere. Both answer in parts (of a time span, of a bucket),
because old hours live in roll-ups and some servers take only short ranges; `merged` joins them.
Times are ms since the epoch, UTC; ranges are half open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from telemetry.envelope import TIME_MAX
from telemetry.names import AGENT, CHANNEL, DEVICE, is_name

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from telemetry.sample import Flag

HOUR = 3_600_000
"""One hour, in ms: the width of a roll-up."""

ROLLED = ("mean", "min", "max", "count", "first", "last")
"""What a roll-up keeps of each numeric channel, good values only: `voltage__mean` and so on."""

BUCKETS_MAX = 100_000
"""Most buckets that one query may cut its range into: more than any screen or report shows."""

LIMIT_MAX = 1_000_000
"""Most points a channel of one series may return: an answer has to fit in memory."""


class QueryRefused(ValueError):
    """The query makes no sense, or asks for too much; the message says which."""


class Aggregate(StrEnum):
    """What becomes of the values in a bucket."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    FIRST = "first"
    LAST = "last"

    @property
    def takes_text(self) -> bool:
        """Whether a text channel can be so aggregated."""
        return self in (Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST)


class Wanted(StrEnum):
    """Which values count: the good ones, or the doubted beside them (with their flags)."""

    GOOD = "good"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which points of which series.

    Attributes:
        start: the first ms asked for.
        end: the first ms no longer asked for.
        agent: only this agent's series, or None for all; likewise the three below.
        channels: only these; none named means all.
        aggregate: one point a bucket instead of every value.
        every: a bucket's width in ms; None makes the range one bucket.
        offset: buckets begin at multiples of `every` plus this (-7 h for days in Viet Nam).
        quality: which values count.
        limit: most points a channel of one series; the oldest come first.

    Raises:
        QueryRefused: on construction.
    """

    start: int
    end: int
    agent: str | None = None
    device: str | None = None
    profile: str | None = None
    measurement: str | None = None
    channels: tuple[str, ...] = ()
    aggregate: Aggregate | None = None
    every: int | None = None
    offset: int = 0
    quality: Wanted = Wanted.GOOD
    limit: int = 100_000

    def __post_init__(self) -> None:
        _check_names(self)
        _check_range(self)
        if self.aggregate is None and self.every is not None:
            raise QueryRefused("every needs an aggregate")
        if self.quality is Wanted.ALL and self.aggregate in (Aggregate.FIRST, Aggregate.LAST):
            raise QueryRefused(f"{self.aggregate} is of good values only")
        if not 1 <= self.limit <= LIMIT_MAX:
            raise QueryRefused(f"limit {self.limit} is not within 1..{LIMIT_MAX}")

    def bucket(self, at: int) -> int:
        """When the bucket that holds `at` begins; it may be before `start`."""
        if self.every is None:
            return self.start
        return (at - self.offset) // self.every * self.every + self.offset

    def selects(self, channel: str, kind: type[float | int | str] | None) -> bool:
        """Whether it asks for a channel of that stored type (None: it never had a value)."""
        if self.channels and channel not in self.channels:
            return False
        if self.aggregate is None:
            return kind is not None or self.quality is Wanted.ALL
        return kind in (float, int) or (kind is str and self.aggregate.takes_text)


class Source(StrEnum):
    """Where a span is read from."""

    RAW = "raw"
    HOURLY = "hourly"


class Span(NamedTuple):
    """A part of a query's range, from one source."""

    source: Source
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """What some of a bucket's values come to: how many they are, and their aggregate."""

    at: int
    count: int
    value: float | int | str


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a series.

    Attributes:
        at: the sample's time, or the beginning of the bucket.
        value: None if the channel had none; a bool is 0 or 1.
        flag: what was told about the value, if quality is `all`.
        count: how many values it stands for.
    """

    at: int
    value: float | int | str | None
    flag: Flag | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Series:
    """One channel of one device over time, oldest first."""

    agent: str
    device: str
    profile: str
    measurement: str
    channel: str
    points: list[Point]


def spans(query: Query, raw_from: int, longest: int | None = None) -> list[Span]:
    """The query's range in spans, oldest first.

    Args:
        query: what is asked.
        raw_from: raw samples from here on are kept; older hours are in roll-ups only.
        longest: most ms a span may have, for servers that refuse more.
    """
    cut = min(max(query.start, raw_from), query.end) if _fits_hours(query) else query.start
    whole = [Span(Source.HOURLY, query.start, cut), Span(Source.RAW, cut, query.end)]
    return [piece for span in whole for piece in _pieces(span, longest)]


def merged(query: Query, parts: Iterable[Part]) -> list[Point]:
    """One point a bucket, from parts in the order of time."""
    if query.aggregate is None:
        raise QueryRefused("only an aggregate has parts")
    buckets: dict[int, tuple[int, float | int | str]] = {}
    for part in parts:
        at = query.bucket(part.at)
        held = buckets.get(at)
        value = part.count if query.aggregate is Aggregate.COUNT else part.value
        buckets[at] = (
            (part.count, value)
            if held is None
            else (held[0] + part.count, _joined(query.aggregate, held, (part.count, value)))
        )
    points = [Point(at, value, None, count) for at, (count, value) in sorted(buckets.items())]
    return points[: query.limit]


def _joined(
    aggregate: Aggregate,
    one: tuple[int, float | int | str],
    two: tuple[int, float | int | str],
) -> float | int | str:
    if aggregate is Aggregate.FIRST:
        return one[1]
    if aggregate is Aggregate.LAST:
        return two[1]
    (n, x), (m, y) = one, two
    assert not isinstance(x, str)  # noqa: S101 - a text channel has no other aggregate
    assert not isinstance(y, str)  # noqa: S101 - likewise
    match aggregate:
        case Aggregate.MEAN:
            return x * (n / (n + m)) + y * (m / (n + m))
        case Aggregate.MIN:
            return min(x, y)
        case Aggregate.MAX:
            return max(x, y)
        case Aggregate.SUM | Aggregate.COUNT:
            return x + y


def _fits_hours(query: Query) -> bool:
    """Whether hourly roll-ups (of good values) can answer it."""
    if query.aggregate is None or query.quality is not Wanted.GOOD:
        return False
    if query.every is None:
        return query.end - query.start >= HOUR
    return query.every % HOUR == 0 and query.offset % HOUR == 0


def _pieces(span: Span, longest: int | None) -> list[Span]:
    step = longest or max(1, span.end - span.start)
    starts = range(span.start, span.end, step)
    return [Span(span.source, at, min(at + step, span.end)) for at in starts]


def _check_names(query: Query) -> None:
    kinds: list[tuple[str, re.Pattern[str], str | None]] = [
        ("agent", AGENT, query.agent),
        ("device", DEVICE, query.device),
        ("profile", DEVICE, query.profile),
        ("measurement", CHANNEL, query.measurement),
        *(("channel", CHANNEL, channel) for channel in query.channels),
    ]
    for what, pattern, name in kinds:
        if name is not None and not is_name(pattern, name):
            raise QueryRefused(f"{name!r} is no {what} name")


def _check_range(query: Query) -> None:
    if not 0 <= query.start < query.end <= TIME_MAX + 1:
        raise QueryRefused(f"from {query.start} to {query.end} is no range of times")
    if query.every is not None and query.every <= 0:
        raise QueryRefused(f"every {query.every} ms is no width")
    if query.every is not None and (query.end - query.start) / query.every > BUCKETS_MAX:
        raise QueryRefused(f"more than {BUCKETS_MAX} buckets of {query.every} ms in that range")
