"""Which batches to publish, and when again; until the collector's receipt, nothing is done with.

                    append             offer                 receipt: stored, refused
    (Batcher) ───────► waiting ──────────► in flight ──────────────────────► done ──► forgotten
                          ▲                │  │    ▲ │
                          │   rewind       │  │    └─┘ no receipt within retry_after, doubled
                          ├────────────────┘  │        each time: sent again
                          │   reconnected,    │
                          │   collector's new boot id or session
                          │                   │ receipt: seen (watched, not stored)
                          └────── seen ◄──────┘
                 the store is up again

*Waiting* is told by two cursors that walk the outbox by seq, up to `window` in flight at a time:

    oldest ├──────── backlog, oldest first ────────┤mark├──────── live, first ────────► newest

Everything after the mark is younger than `live_window`; after a short blip the mark stands at
the oldest, and all goes in order on `live`. Without a collector that is online, nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from telemetry.receipt import Outcome, Receipt
from telemetry.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.announce import Presence

LONGEST_RETRY = 32
"""A retry waits at most so many times `retry_after`: minutes, not hours, after a bad day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A batch as the outbox keeps it; `last_at` is its newest sample's time, ms since epoch."""

    seq: int
    stream: str
    crc: int
    last_at: int
    payload: bytes

    def is_meant_by(self, receipt: Receipt) -> bool:
        """Whether the receipt is for these very bytes."""
        return (receipt.stream, receipt.seq, receipt.crc) == (self.stream, self.seq, self.crc)


@dataclass(frozen=True, slots=True)
class Posting:
    """A parcel to be published on a lane."""

    lane: Lane
    parcel: Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of the outbox to read: the first `limit` parcels with `after < seq <= upto`."""

    lane: Lane
    after: int
    upto: int
    limit: int
    turn: int


@dataclass(slots=True)
class _Flight:
    posting: Posting
    tries: int = 0
    due: float = inf


class Courier:
    """The state of what is under way.

    Attributes:
        done: final receipts by seq, which the outbox is to act on.
        needs_mark: whether `marked` must be told before anything more can be wanted.
        overtakings: how often what is fresh went ahead of what is old.
    """

    def __init__(
        self, *, window: int, retry_after: float, live_window: float, backlog_share: float
    ) -> None:
        self._window = window
        self._retry_after = retry_after
        self._live_ms = int(live_window * 1000)
        self._backlog_window = max(1, int(window * backlog_share))
        self._connected = False
        self._collectors: dict[str, Presence] = {}
        self._flying: dict[int, _Flight] = {}
        self._turn = 0
        self._rewind_at = inf
        self._newest = self._mark = self._live_cursor = self._backlog_cursor = 0
        self._stream = ""
        self.needs_mark = True
        self.overtakings = 0
        self.done: dict[int, Receipt] = {}

    @property
    def in_flight(self) -> int:
        """Envelopes without a receipt."""
        return len(self._flying)

    @property
    def is_open(self) -> bool:
        """Whether somebody is there to receive."""
        return self._connected and bool(self._collectors)

    # What happens ---------------------------------------------------------------------------

    def opened(self) -> None:
        """The broker is connected; its retained presences follow."""
        self._connected = True

    def closed(self) -> None:
        """The connection is gone, and with it whatever was under way."""
        self._connected = False
        self._collectors.clear()
        self.restart()

    def restart(self) -> None:
        """Take everything in the outbox as not sent."""
        self._flying.clear()
        self._rewind()

    def presence(self, collector: str, presence: Presence | None) -> None:
        """A collector's retained word; None if it was cleared."""
        before = self._collectors.pop(collector, None)
        if presence is None or not presence.online:
            self._turn += 1
            return
        self._collectors[collector] = presence
        if before is None or _life(before) != _life(presence):
            self.restart()
        elif before.store == "down" and presence.store == "up":
            self._rewind()

    def appended(self, newest: int, stream: str) -> None:
        """The outbox reaches up to this seq now; with another stream it is another file."""
        if stream != self._stream:
            self.restart()
        self._newest, self._stream = newest, stream

    def taken(self, seq: int, now: float) -> None:
        """The broker has it: from now (monotonic) on its receipt can be missed.

        Not earlier: on a slow link the bytes may need longer than any retry.
        """
        if flight := self._flying.get(seq):
            wait = min(2**flight.tries, LONGEST_RETRY) * self._retry_after
            flight.due = now + wait

    def receipt(self, receipt: Receipt, now: float) -> None:
        """The collector's word on an envelope; one that fits nothing in flight changes no flight.

        A receipt may come late, after a rewind or a restart, so a final one is always handed on:
        the outbox compares stream, seq and checksum itself.
        """
        flight = self._flying.get(receipt.seq)
        if flight is not None:
            if not flight.posting.parcel.is_meant_by(receipt):
                return
            del self._flying[receipt.seq]
        if receipt.outcome is not Outcome.SEEN:
            self.done[receipt.seq] = receipt
        elif self._store_is_up:
            # The word of the store's return overtook this one: nothing else would send it again.
            self._rewind_at = min(self._rewind_at, now + self._retry_after)

    def forgotten(self, receipts: Iterable[Receipt]) -> None:
        """The outbox has acted on these."""
        for receipt in receipts:
            if self.done.get(receipt.seq) == receipt:
                del self.done[receipt.seq]

    # What to do -----------------------------------------------------------------------------

    def old_before(self, at: int) -> int:
        """The time (ms since epoch) before which a parcel is backlog, if it is `at` now."""
        return at - self._live_ms

    def marked(self, mark: int) -> None:
        """The newest parcel that is old has this seq (0: none is)."""
        self._mark = mark
        self._live_cursor = max(self._live_cursor, mark)
        self.needs_mark = False
        self.overtakings += mark > 0

    def wants(self) -> Span | None:
        """What to read from the outbox and `offer` next, if anything."""
        room = self._window - len(self._flying)
        if not self.is_open or self.needs_mark or room <= 0:
            return None
        if self._live_cursor < self._newest:
            return self._span(Lane.LIVE, self._live_cursor, self._newest, room)
        room = min(room, self._backlog_window - self._backlog_flying)
        if self._backlog_cursor < self._mark and room > 0 and self._store_is_up:
            return self._span(Lane.BACKLOG, self._backlog_cursor, self._mark, room)
        return None

    def offer(self, span: Span, parcels: Sequence[Parcel], *, at: int) -> list[Posting]:
        """What to publish of the parcels in `span`, in order; `at` in ms since epoch.

        An answer to a question that has lapsed meanwhile is dropped.
        """
        if span.turn != self._turn:
            return []
        postings = []
        for parcel in parcels:
            if span.lane is Lane.LIVE and parcel.last_at < self.old_before(at):
                self.needs_mark = True
                break
            self._pass(span.lane, parcel.seq)
            if not self._is_under_way(parcel):
                postings.append(self._fly(span.lane, parcel))
        else:
            if len(parcels) < span.limit:
                self._pass(span.lane, span.upto)
        return postings

    def overdue(self, now: float) -> list[Posting]:
        """What to publish again, `now` (monotonic)."""
        if not self.is_open:
            return []
        if self._rewind_at <= now:
            self._rewind()
        late = [flight for flight in self._flying.values() if flight.due <= now]
        for flight in late:
            flight.tries += 1
            flight.due = inf
        return [flight.posting for flight in late]

    def due(self) -> float | None:
        """When (monotonic) `overdue` has something next, if nothing happens before."""
        soonest = min((flight.due for flight in self._flying.values()), default=inf)
        soonest = min(soonest, self._rewind_at)
        return soonest if self.is_open and soonest < inf else None

    # How ------------------------------------------------------------------------------------

    @property
    def _store_is_up(self) -> bool:
        return any(presence.store == "up" for presence in self._collectors.values())

    @property
    def _backlog_flying(self) -> int:
        return sum(flight.posting.lane is Lane.BACKLOG for flight in self._flying.values())

    def _rewind(self) -> None:
        """Walk the outbox from its oldest again; what is in flight is passed over."""
        self._turn += 1
        self._rewind_at = inf
        self._mark = self._live_cursor = self._backlog_cursor = 0
        self.needs_mark = True

    def _span(self, lane: Lane, after: int, upto: int, limit: int) -> Span:
        return Span(lane=lane, after=after, upto=upto, limit=limit, turn=self._turn)

    def _pass(self, lane: Lane, seq: int) -> None:
        if lane is Lane.LIVE:
            self._live_cursor = seq
        else:
            self._backlog_cursor = seq

    def _is_under_way(self, parcel: Parcel) -> bool:
        receipt = self.done.get(parcel.seq)
        return parcel.seq in self._flying or (receipt is not None and parcel.is_meant_by(receipt))

    def _fly(self, lane: Lane, parcel: Parcel) -> Posting:
        posting = Posting(lane, parcel)
        self._flying[parcel.seq] = _Flight(posting)
        return posting


def _life(presence: Presence) -> tuple[str, int]:
    """In another one the collector may not have heard what was sent."""
    return presence.boot, presence.session
