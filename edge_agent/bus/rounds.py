"""Rounds: what is read of a device at each interval, and which rounds are read together, and when.

A device's groups that share an interval are one round. A slower round whose interval is a multiple
of the fastest one's is read together with it, where that is cheaper than apart: then it has the
same phase, so that their turns meet. All else is spread.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

from edge_agent.bus.planned import seconds
from edge_agent.bus.schedule import phases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from device_profiles.meaning import Channel
    from edge_agent.bus.cost import Cost
    from edge_agent.bus.planned import Planned

C = TypeVar("C", bound="Channel")

MOST_FOLLOWERS = 3
"""Rounds that may be read together with the fastest: each doubles the plans that are kept."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of a device model on a bus; devices that are alike share them.

    50 devices of 20 channels take 0.7 MB less so.

    Attributes:
        apart: at each interval, the shortest first.
        together: at several intervals that meet, the shortest first, where that is cheaper.
    """

    apart: Mapping[float, tuple[Planned, ...]]
    together: Mapping[tuple[float, ...], tuple[Planned, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """What is read of a device every `interval` seconds; infinity is once."""

    device: str
    interval: float
    requests: tuple[Planned, ...]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel that it brings."""
        return tuple(channel for request in self.requests for channel in request.channels)

    def seconds(self, cost: Cost) -> float:
        """The bus's time that it takes."""
        return seconds(self.requests, cost)


@dataclass(frozen=True, slots=True)
class Timetable:
    """All rounds of a device, the shortest interval first, and those to be read together."""

    apart: tuple[Round, ...]
    together: Mapping[frozenset[Round], Round]

    @property
    def followers(self) -> tuple[Round, ...]:
        """The rounds that have the phase of the fastest one."""
        met = frozenset[Round]().union(*self.together)
        return tuple(each for each in self.apart[1:] if each in met)


def reads(
    channels: Mapping[float, Sequence[C]],
    plan: Callable[[Iterable[C]], tuple[Planned, ...]],
    cost: Cost,
) -> Reads:
    """The reads at each interval, and together.

    Args:
        channels: by interval.
        plan: makes reads of channels.
        cost: of the bus.
    """
    intervals = sorted(channels)
    apart = {interval: plan(channels[interval]) for interval in intervals}
    alone = {interval: seconds(planned, cost) for interval, planned in apart.items()}
    together: dict[tuple[float, ...], tuple[Planned, ...]] = {}
    for met in _meetings(intervals):
        planned = plan([channel for interval in met for channel in channels[interval]])
        if seconds(planned, cost) < sum(alone[interval] for interval in met) * (1 - 1e-9):
            together[met] = planned
    return Reads(apart, together)


def timetable(device: str, reads: Reads) -> Timetable:
    """A device's own."""
    apart = {
        interval: Round(device=device, interval=interval, requests=requests)
        for interval, requests in reads.apart.items()
    }
    together = {
        frozenset(apart[interval] for interval in met): Round(
            device=device, interval=met[0], requests=requests
        )
        for met, requests in reads.together.items()
    }
    return Timetable(tuple(apart.values()), together)


def share(table: Timetable, cost: Cost) -> float:
    """The part of its bus's time that a device takes; what is read once is not counted."""
    part = 0.0
    for each in table.apart:
        joint = table.together.get(frozenset((table.apart[0], each)))
        more = joint.seconds(cost) - table.apart[0].seconds(cost) if joint else each.seconds(cost)
        part += more / each.interval
    return part


def spread(devices: Iterable[Timetable]) -> dict[Round, float]:
    """Each round's phase, whatever its bus: seconds after a common origin.

    Those that share an interval are spread over it. A follower meets the fastest round of its
    device, and the followers of different devices meet theirs at different times.
    """
    leading: defaultdict[float, list[Round]] = defaultdict(list)
    following: defaultdict[tuple[float, float], list[tuple[Round, Round]]] = defaultdict(list)
    for own in devices:
        followers = own.followers
        for each in own.apart:
            if each in followers:
                fastest = own.apart[0]
                following[fastest.interval, each.interval].append((fastest, each))
            else:
                leading[each.interval].append(each)
    phase_of: dict[Round, float] = {}
    for interval, alike in leading.items():
        shares = [0.0] * len(alike) if math.isinf(interval) else phases(len(alike), interval)
        phase_of.update(zip(alike, shares, strict=True))
    for (fast, slow), pairs in following.items():
        slots = 1 if math.isinf(slow) else round(slow / fast)
        for index, (fastest, each) in enumerate(pairs):
            phase_of[each] = phase_of[fastest] + index * slots // len(pairs) * fast
    return phase_of


def _meetings(intervals: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """Intervals whose turns can meet, each time with the shortest."""
    if not intervals or math.isinf(intervals[0]):
        return
    fastest, *slower = intervals
    meeting = [each for each in slower if _is_multiple(each, fastest)][:MOST_FOLLOWERS]
    for count in range(1, len(meeting) + 1):
        for others in combinations(meeting, count):
            yield (fastest, *others)


def _is_multiple(interval: float, of: float) -> bool:
    times = interval / of
    return math.isinf(times) or math.isclose(times, round(times), rel_tol=1e-9)
