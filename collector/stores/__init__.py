"""Where samples stay: what every store does, and what it says when it cannot.

A row is (agent, device, profile, measurement) at a time. A good value stands in the field named as
its channel; a doubted one in `<channel>__suspect`, so that *good only* is the cheap default; why a
value is not good stands in `<channel>__flag`. A bool is stored as 0 or 1, so that its mean is a
share of time. Each field holds what was written last; a resend changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.arrival import Arrival
    from collector.stores.query import Query, Series
    from telemetry.sample import Sample


class StoreUnavailable(Exception):
    """The store cannot take or give anything now: keep the data and come again.

    Attributes:
        retry_after: seconds that the server asked to wait, or None.
        misconfigured: whether waiting will not help: a token, a name or an address is wrong.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, misconfigured: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.misconfigured = misconfigured


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sample that the store will never take, and why."""

    arrival: Arrival
    sample: Sample
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: all is stored durably, but for the rejected.

    `conflicts` counts fields that held another value at the same time.
    """

    rejected: tuple[Rejected, ...] = ()
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class SeriesName:
    """A device's series, with the channels of its measurement (it may not have them all)."""

    agent: str
    device: str
    profile: str
    measurement: str
    channels: tuple[str, ...]


class Store(Protocol):
    """Durable series. Every method but `close` may raise `StoreUnavailable`."""

    async def open(self) -> None:
        """Make it ready, as far as that needs no administrator; also again, after a failure."""

    async def write(self, arrivals: Sequence[Arrival]) -> Written:
        """Store every sample durably; nothing is stored twice, whatever is sent again."""

    async def read(self, query: Query) -> list[Series]:
        """The series with points in the range; names are sorted, points oldest first."""

    async def catalogue(self) -> list[SeriesName]:
        """Every series that it knows, sorted."""

    async def roll_up(self, measurement: str, hours: Sequence[int]) -> None:
        """Compute the roll-ups of these hours (their first ms) anew from raw samples."""

    async def expire(self, now: int) -> None:
        """Forget what is older than its retention, in steps that let writes between them."""

    async def close(self) -> None:
        """Let go of it; what was written stays."""
