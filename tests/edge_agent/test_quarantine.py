"""Promise: an address that the device refuses costs its own channels, and only until it answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device_profiles.behaviour import Limits
from device_profiles.channel import RegisterChannel
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.quarantine import Quarantine
from edge_agent.bus.request import Request
from telemetry.sample import ILLEGAL_ADDRESS


def channel(address: int) -> RegisterChannel:
    entry = {"id": f"c_{address}", "table": "holding", "address": address, "type": "u16"}
    return RegisterChannel.model_validate(entry)


def planned(addresses: set[int]) -> tuple[Request, ...]:
    return plan([channel(address) for address in addresses], Limits(), Cost.tcp())


def poll(reads: Quarantine, illegal: set[int], now: float = 0) -> tuple[set[str], int]:
    """One round against a device with illegal addresses: the channels read, requests refused."""
    read: set[str] = set()
    refused = 0
    pending = list(reads.due(now))
    while pending:
        request = pending.pop()
        assert isinstance(request, Request)
        if illegal & set(range(request.address, request.end)):
            refused += 1
            pending += reads.refused(request, ILLEGAL_ADDRESS, now)
        else:
            reads.answered(request)
            read |= {one.id for one in request.channels}
    return read, refused


def test_one_illegal_register_costs_its_own_channel() -> None:
    reads = Quarantine(planned(set(range(20))), recheck=3600)

    read, _ = poll(reads, illegal={7})

    assert read == {f"c_{address}" for address in range(20)} - {"c_7"}
    assert reads.flags == {"c_7": ILLEGAL_ADDRESS}


def test_a_gap_that_is_refused_is_no_longer_bridged() -> None:
    reads = Quarantine(planned({0, 1, 5, 6}), recheck=3600)

    read, refused = poll(reads, illegal={3})

    assert (len(read), refused) == (4, 1)
    assert [r for r in reads.due(0) if isinstance(r, Request)] == [
        Request.of([channel(0), channel(1)]),
        Request.of([channel(5), channel(6)]),
    ]
    assert not reads.flags


def test_what_was_learned_is_not_asked_again() -> None:
    reads = Quarantine(planned(set(range(20))), recheck=3600)
    poll(reads, illegal={7})

    _, refused = poll(reads, illegal={7}, now=10)

    assert refused == 0


def test_one_bad_gap_among_twenty_leaves_few_reads() -> None:
    reads = Quarantine(planned(set(range(0, 120, 6))), recheck=3600)

    poll(reads, illegal={45})

    assert len(reads.due(0)) <= 6


def test_a_held_channel_is_tried_again_after_a_while() -> None:
    reads = Quarantine(planned({0, 1}), recheck=60)
    poll(reads, illegal={1})

    early, _ = poll(reads, illegal=set(), now=59)
    late, _ = poll(reads, illegal=set(), now=60)

    assert early == {"c_0"}
    assert late == {"c_0", "c_1"}
    assert not reads.flags


def test_a_held_channel_that_is_refused_again_waits_again() -> None:
    reads = Quarantine(planned({0, 1}), recheck=60)
    poll(reads, illegal={1})

    poll(reads, illegal={1}, now=60)

    assert len(reads.due(119)) == 1
    assert len(reads.due(120)) == 2


def test_channels_that_share_a_register_are_held_together() -> None:
    bits = [
        RegisterChannel.model_validate(
            {"id": f"b_{n}", "table": "holding", "address": 3, "type": "bool", "bit": n}
        )
        for n in range(16)
    ]
    reads = Quarantine(plan(bits, Limits(), Cost.tcp()), recheck=60)

    _, refused = poll(reads, illegal={3})

    assert refused == 1
    assert len(reads.flags) == 16


@given(
    addresses=st.sets(st.integers(0, 200), min_size=1, max_size=40),
    illegal=st.sets(st.integers(0, 200), max_size=10),
)
def test_every_legal_channel_is_read_in_the_very_first_round(
    addresses: set[int], illegal: set[int]
) -> None:
    reads = Quarantine(planned(addresses), recheck=60)

    read, _ = poll(reads, illegal)

    assert read == {f"c_{address}" for address in addresses - illegal}
    assert set(reads.flags) == {f"c_{address}" for address in addresses & illegal}
