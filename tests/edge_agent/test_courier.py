"""Promise: whatever is lost on the way, every batch arrives, and none is done with before.

A batch is forgotten only for a final receipt with its stream, seq and checksum; no more than a
window is under way; what is fresh goes first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.delivery.courier import LONGEST_RETRY, Courier, Parcel, Posting, Span
from telemetry.announce import Presence
from telemetry.receipt import Outcome, Receipt
from telemetry.topics import Lane

STREAM = "9f86d081884c7d65"
NOW = 1_700_000_000_000
HERE = Presence(online=True, boot="b1")
GONE = Presence(online=False, boot="b1")
NO_STORE = replace(HERE, store="down")


def parcel(seq: int, at: int = NOW) -> Parcel:
    return Parcel(seq=seq, stream=STREAM, crc=1000 + seq, last_at=at, payload=b"%d" % seq)


def answer(to: Parcel, outcome: Outcome = Outcome.STORED) -> Receipt:
    return Receipt(to.stream, to.seq, to.crc, outcome)


@dataclass
class _Box:
    """An outbox in memory, and what drives a courier on it, as the shell does."""

    courier: Courier
    parcels: dict[int, Parcel] = field(default_factory=dict)
    newest: int = 0

    def append(self, *parcels: Parcel) -> None:
        self.parcels |= {parcel.seq: parcel for parcel in parcels}
        self.newest = max(self.parcels, default=0)
        self.courier.appended(self.newest, STREAM)

    def read(self, span: Span) -> list[Parcel]:
        found = [p for seq, p in sorted(self.parcels.items()) if span.after < seq <= span.upto]
        return found[: span.limit]

    def offer(self, at: int = NOW) -> list[Posting]:
        postings: list[Posting] = []
        while self.courier.is_open:
            if self.courier.needs_mark:
                limit = self.courier.old_before(at)
                old = [seq for seq, p in self.parcels.items() if p.last_at < limit]
                self.courier.marked(max(old, default=0))
            span = self.courier.wants()
            if span is None:
                break
            postings += self.courier.offer(span, self.read(span), at=at)
        return postings

    def forget(self) -> None:
        receipts = list(self.courier.done.values())
        for receipt in receipts:
            kept = self.parcels.get(receipt.seq)
            if kept is not None and kept.is_meant_by(receipt):
                del self.parcels[receipt.seq]
        self.courier.forgotten(receipts)


def new_courier(window: int = 4) -> Courier:
    return Courier(window=window, retry_after=10, live_window=60, backlog_share=0.5)


@pytest.fixture
def box() -> _Box:
    """A courier that is connected, with a collector and its store there."""
    box = _Box(new_courier())
    box.courier.opened()
    box.courier.presence("c1", HERE)
    return box


def seqs(postings: list[Posting]) -> list[int]:
    return [posting.parcel.seq for posting in postings]


def test_a_window_goes_out_in_order(box: _Box) -> None:
    box.append(*map(parcel, range(1, 9)))

    postings = box.offer()

    assert seqs(postings) == [1, 2, 3, 4]
    assert {posting.lane for posting in postings} == {Lane.LIVE}


def test_each_receipt_makes_room_for_one_more(box: _Box) -> None:
    box.append(*map(parcel, range(1, 9)))
    box.offer()

    box.courier.receipt(answer(parcel(2)), now=0)

    assert seqs(box.offer()) == [5]


def test_what_is_appended_later_follows(box: _Box) -> None:
    box.append(parcel(1))
    box.offer()

    box.append(parcel(2))

    assert seqs(box.offer()) == [2]


def test_without_a_connection_or_a_collector_nothing_is_sent() -> None:
    box = _Box(new_courier())
    box.append(parcel(1))

    assert box.offer() == []
    box.courier.opened()
    assert box.offer() == []
    box.courier.presence("c1", GONE)
    assert box.offer() == []
    box.courier.presence("c1", HERE)
    assert seqs(box.offer()) == [1]


def test_a_receipt_with_another_checksum_or_stream_frees_nothing(box: _Box) -> None:
    box.append(*map(parcel, range(1, 6)))
    box.offer()

    box.courier.receipt(replace(answer(parcel(1)), crc=7), now=0)
    box.courier.receipt(replace(answer(parcel(1)), stream="0" * 16), now=0)

    assert box.courier.in_flight == 4
    assert box.courier.done == {}


def test_a_foreign_receipt_for_what_was_not_sent_yet_does_not_hold_it_back(box: _Box) -> None:
    box.append(parcel(1))
    box.courier.receipt(replace(answer(parcel(1)), crc=7), now=0)

    assert seqs(box.offer()) == [1]


def test_a_receipt_that_came_during_a_commit_is_not_forgotten_with_the_one_before(
    box: _Box,
) -> None:
    box.append(parcel(1))
    box.offer()
    box.courier.receipt(answer(parcel(1), Outcome.REFUSED), now=0)
    committed = list(box.courier.done.values())

    box.courier.receipt(answer(parcel(1), Outcome.STORED), now=0)
    box.courier.forgotten(committed)

    assert [receipt.outcome for receipt in box.courier.done.values()] == [Outcome.STORED]


def test_a_retry_starts_when_the_broker_has_it_and_doubles(box: _Box) -> None:
    box.append(parcel(1))
    box.offer()

    assert box.courier.due() is None
    for tries in range(9):
        now = tries * 10_000
        box.courier.taken(1, now=now)
        wait = 10 * min(2**tries, LONGEST_RETRY)
        assert box.courier.due() == now + wait
        assert box.courier.overdue(now + wait - 1) == []
        assert seqs(box.courier.overdue(now + wait)) == [1]


def test_a_reconnection_sends_everything_in_flight_again(box: _Box) -> None:
    box.append(*map(parcel, range(1, 4)))
    box.offer()

    box.courier.closed()
    assert box.offer() == []
    box.courier.opened()
    box.courier.presence("c1", HERE)

    assert seqs(box.offer()) == [1, 2, 3]


def test_a_collector_that_was_restarted_gets_everything_in_flight_again(box: _Box) -> None:
    box.append(*map(parcel, range(1, 4)))
    box.offer()

    box.courier.presence("c1", HERE)
    assert box.offer() == []
    box.courier.presence("c1", replace(HERE, boot="b2"))

    assert seqs(box.offer()) == [1, 2, 3]


def test_a_collector_that_was_cut_off_gets_everything_in_flight_again(box: _Box) -> None:
    box.append(*map(parcel, range(1, 4)))
    box.offer()

    box.courier.presence("c1", replace(HERE, session=2))

    assert seqs(box.offer()) == [1, 2, 3]


def test_what_was_seen_waits_until_the_store_is_up(box: _Box) -> None:
    box.courier.presence("c1", NO_STORE)
    box.append(*map(parcel, range(1, 8)))
    for posting in box.offer():
        box.courier.receipt(answer(posting.parcel, Outcome.SEEN), now=0)

    assert box.courier.done == {}
    assert seqs(box.offer()) == [5, 6, 7]
    assert box.courier.due() is None
    box.courier.presence("c1", HERE)

    assert seqs(box.offer()) == [1], "5, 6 and 7 are in flight still"


def test_what_was_seen_after_the_store_came_back_is_sent_again_all_the_same(box: _Box) -> None:
    box.append(parcel(1))
    box.offer()

    box.courier.receipt(answer(parcel(1), Outcome.SEEN), now=100)

    assert box.courier.due() == 110
    assert box.courier.overdue(110) == []
    assert seqs(box.offer()) == [1]


def test_while_the_store_is_down_backlog_stays_at_home(box: _Box) -> None:
    box.courier.presence("c1", NO_STORE)
    box.append(parcel(1, NOW - 100_000), parcel(2))

    assert seqs(box.offer()) == [2]
    box.courier.presence("c1", HERE)
    assert seqs(box.offer()) == [1]


def test_after_a_short_blip_everything_goes_in_order_on_live(box: _Box) -> None:
    box.append(*(parcel(n, NOW - 59_000 + n) for n in range(1, 5)))

    postings = box.offer()

    assert [(p.lane, p.parcel.seq) for p in postings] == [(Lane.LIVE, n) for n in range(1, 5)]


def test_after_an_outage_the_fresh_goes_first_and_backlog_has_its_share(box: _Box) -> None:
    box.append(*(parcel(n, NOW - 100_000) for n in range(1, 9)), parcel(9))

    postings = box.offer()
    box.append(parcel(10))
    postings += box.offer()

    assert [(p.lane, p.parcel.seq) for p in postings] == [
        (Lane.LIVE, 9),
        (Lane.BACKLOG, 1),
        (Lane.BACKLOG, 2),
        (Lane.LIVE, 10),
    ]


def test_how_often_the_fresh_goes_ahead_of_the_old_is_counted(box: _Box) -> None:
    box.append(*map(parcel, range(1, 9)))
    box.offer()
    in_order = box.courier.overtakings

    box.courier.closed()
    box.append(parcel(9, NOW + 100_000))
    box.courier.opened()
    box.courier.presence("c1", HERE)
    box.offer(NOW + 100_000)

    assert (in_order, box.courier.overtakings) == (0, 1)


def test_backlog_goes_oldest_first_until_it_is_drained(box: _Box) -> None:
    box.append(*(parcel(n, NOW - 100_000) for n in range(1, 9)), parcel(9))
    order = []

    for _ in range(9):
        postings = box.offer()
        order += seqs(postings)
        for posting in postings:
            box.courier.receipt(answer(posting.parcel), now=0)
        box.forget()

    assert order == [9, 1, 2, 3, 4, 5, 6, 7, 8]
    assert box.parcels == {}


def test_a_link_too_slow_for_all_puts_what_grew_old_behind_what_is_fresh(box: _Box) -> None:
    box.append(*map(parcel, range(1, 9)))
    box.offer()
    later = NOW + 61_000
    box.append(parcel(9, later))

    for seq in (1, 2):
        box.courier.receipt(answer(parcel(seq)), now=0)

    assert [(p.lane, p.parcel.seq) for p in box.offer(later)] == [
        (Lane.LIVE, 9),
        (Lane.BACKLOG, 5),
    ]


def test_an_answer_to_a_question_that_has_lapsed_is_dropped(box: _Box) -> None:
    box.append(parcel(1))
    box.courier.marked(0)
    span = box.courier.wants()
    assert span is not None

    box.courier.closed()

    assert box.courier.offer(span, [parcel(1)], at=NOW) == []


def test_another_file_in_the_outboxs_place_is_walked_from_its_beginning(box: _Box) -> None:
    box.append(*map(parcel, range(1, 4)))
    box.offer()
    other = replace(parcel(1), stream="0" * 16)
    box.parcels = {1: other}

    box.courier.appended(1, other.stream)

    assert [posting.parcel for posting in box.offer()] == [other]


def test_of_two_collectors_one_is_enough(box: _Box) -> None:
    box.courier.presence("c2", replace(HERE, boot="b9"))
    box.courier.presence("c1", None)

    box.append(parcel(1))

    assert seqs(box.offer()) == [1]


class _Journey(RuleBasedStateMachine):
    """A courier, an outbox, a network that loses, repeats and reorders, and a collector."""

    WINDOW = 3

    def __init__(self) -> None:
        super().__init__()
        self.box = _Box(new_courier(self.WINDOW))
        self.appended: dict[int, Parcel] = {}
        self.stored: set[int] = set()
        self.receipted: set[Receipt] = set()
        self.up: list[Posting] = []
        self.down: list[Receipt] = []
        self.connected = False
        self.presence = HERE
        self.boots = itertools.count(2)
        self.now = 0.0

    @property
    def at(self) -> int:
        return NOW + int(self.now * 1000)

    def send(self, postings: list[Posting]) -> None:
        for posting in postings:
            self.up.append(posting)
            self.box.courier.taken(posting.parcel.seq, self.now)

    @rule(age=st.sampled_from([0, 10, 100]))
    def append(self, age: int) -> None:
        new = parcel(len(self.appended) + 1, self.at - age * 1000)
        self.appended[new.seq] = new
        self.box.append(new)
        self.work()

    @rule()
    def work(self) -> None:
        self.send(self.box.courier.overdue(self.now))
        self.send(self.box.offer(self.at))

    @rule(seconds=st.sampled_from([1, 15, 400]))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.work()

    @rule()
    def connect(self) -> None:
        if not self.connected:
            self.connected = True
            self.box.courier.opened()
            self.box.courier.presence("c1", self.presence)
        self.work()

    @rule(keep=st.booleans())
    def disconnect(self, *, keep: bool) -> None:
        """What the broker has may still arrive, or be lost with it."""
        self.connected = False
        self.box.courier.closed()
        if not keep:
            self.up.clear()
            self.down.clear()

    @rule(keep=st.booleans())
    def restart_agent(self, *, keep: bool) -> None:
        old, self.box = self.box, _Box(new_courier(self.WINDOW))
        self.box.append(*old.parcels.values())
        self.box.newest = max(old.newest, self.box.newest)
        self.connected = False
        if not keep:
            self.up.clear()

    @rule(store=st.sampled_from(["up", "down"]))
    def restart_collector(self, store: str) -> None:
        self.up.clear()
        boot = f"b{next(self.boots)}"
        self.say(Presence(online=True, boot=boot, store="up" if store == "up" else "down"))

    @rule()
    def collector_goes(self) -> None:
        self.up.clear()
        self.say(replace(self.presence, online=False))

    @rule(store=st.sampled_from(["up", "down"]))
    def store_changes(self, store: str) -> None:
        self.say(replace(self.presence, store="up" if store == "up" else "down"))

    def say(self, presence: Presence) -> None:
        self.presence = presence
        if self.connected:
            self.box.courier.presence("c1", presence)
        self.work()

    @precondition(lambda self: self.up)
    @rule(data=st.data(), lose=st.booleans(), repeat=st.booleans())
    def arrive(self, data: st.DataObject, *, lose: bool, repeat: bool) -> None:
        """Any envelope under way arrives, or does not, or arrives and stays to arrive again."""
        index = data.draw(st.integers(0, len(self.up) - 1))
        posting = self.up[index] if repeat else self.up.pop(index)
        if lose or not self.presence.online:
            return
        kind = Outcome.STORED if self.presence.store == "up" else Outcome.SEEN
        if kind is Outcome.STORED:
            self.stored.add(posting.parcel.seq)
        self.down.append(answer(posting.parcel, kind))
        self.receipted.add(self.down[-1])

    @rule(seq=st.integers(1, 9), crc=st.integers(0, 3))
    def foreign_receipt(self, seq: int, crc: int) -> None:
        """Of a clone of this gateway, say."""
        self.down.append(Receipt(STREAM, seq, crc, Outcome.STORED))

    @precondition(lambda self: self.down)
    @rule(data=st.data(), lose=st.booleans(), repeat=st.booleans())
    def hear(self, data: st.DataObject, *, lose: bool, repeat: bool) -> None:
        index = data.draw(st.integers(0, len(self.down) - 1))
        receipt = self.down[index] if repeat else self.down.pop(index)
        if self.connected and not lose:
            self.box.courier.receipt(receipt, self.now)
        self.work()

    @rule()
    def commit(self) -> None:
        self.box.forget()
        self.work()

    @invariant()
    def the_window_holds(self) -> None:
        assert self.box.courier.in_flight <= self.WINDOW

    @invariant()
    def nothing_is_gone_that_is_not_stored_and_receipted(self) -> None:
        for seq, sent in self.appended.items():
            if seq not in self.box.parcels:
                assert seq in self.stored
                assert answer(sent) in self.receipted

    def teardown(self) -> None:
        """When all faults end, everything arrives and is forgotten."""
        self.connect()
        self.say(Presence(online=True, boot=self.presence.boot))
        for _ in range(20 + 8 * len(self.appended)):
            self.now += 400
            self.work()
            for posting in self.up:
                self.stored.add(posting.parcel.seq)
                self.box.courier.receipt(answer(posting.parcel), self.now)
            self.up.clear()
            self.box.forget()
        assert self.stored == set(self.appended)
        assert self.box.parcels == {}


_Journey.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestEveryJourneyEndsAtTheCollector = _Journey.TestCase
