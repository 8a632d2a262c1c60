"""The live picture's promise: the latest word on everything, and no waiting for slow followers."""

from __future__ import annotations

import asyncio

from collector.alarms.transition import Kind, Series, Transition
from collector.arrival import Arrival
from collector.live import AlarmChanged, GatewayChanged, Live, LiveEvent, Sampled, StoreChanged
from telemetry.announce import About, Status
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, Flag, Sample
from telemetry.topics import EnvelopeTopic, Lane

METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")


def arrival(at: int, values: dict[str, float], flags: dict[str, Flag] | None = None) -> Arrival:
    topic = EnvelopeTopic("gw-1", Lane.LIVE, "0123456789abcdef", 1)
    sample = Sample("meter-1", at, values, flags or {})
    return Arrival(topic, 1, at + 5, Envelope(Clock.HELD, (METER,), (sample,)))


def test_a_channel_that_is_absent_is_unchanged() -> None:
    live = Live()

    live.see(arrival(10, {"voltage": 230.0, "frequency": 50.0}))
    live.see(arrival(20, {"voltage": 231.0}))

    picture = live.devices["gw-1", "meter-1"]
    assert (picture.at, picture.values) == (20, {"voltage": 231.0, "frequency": 50.0})


def test_an_older_sample_changes_nothing() -> None:
    live = Live()
    live.see(arrival(20, {"voltage": 231.0}))

    live.see(arrival(10, {"voltage": 230.0}))

    assert live.devices["gw-1", "meter-1"].values == {"voltage": 231.0}


def test_a_flag_takes_the_value_away_and_a_value_the_flag() -> None:
    live = Live()
    live.see(arrival(10, {"voltage": 230.0}))

    live.see(arrival(20, {}, {"voltage": NO_REPLY}))
    picture = live.devices["gw-1", "meter-1"]
    assert (picture.values, picture.flags) == ({}, {"voltage": NO_REPLY})

    live.see(arrival(30, {"voltage": 900.0}, {"voltage": OUT_OF_RANGE}))
    assert (picture.values, picture.flags) == ({"voltage": 900.0}, {"voltage": OUT_OF_RANGE})

    live.see(arrival(40, {"voltage": 231.0}))
    assert (picture.values, picture.flags) == ({"voltage": 231.0}, {})


def test_a_gateway_is_what_it_says_of_itself() -> None:
    live = Live()
    about = About(version="1.2", boot="b", config="c")

    live.hear("gw-1", Status(online=True, boot="b"), 7)
    assert live.gateways["gw-1"].version == ""
    live.hear("gw-1", about, 8)
    live.see(arrival(10, {}))

    gateway = live.gateways["gw-1"]
    assert gateway.status == Status(online=True, boot="b")
    assert gateway.about is about
    assert gateway.version == "1.2"
    assert (gateway.last_seen, gateway.clock) == (15, Clock.HELD)


async def test_a_follower_gets_what_happens_in_order() -> None:
    live = Live()
    got: list[LiveEvent] = []

    async def follow() -> None:
        async for event in live.subscribe():
            got.append(event)
            if len(got) == 4:
                return

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    transition = Transition(
        at=1,
        detected_at=2,
        kind=Kind.RAISED,
        rule="r",
        revision=1,
        series=Series("gw-1", "meter-1", "voltage"),
        occurrence="o",
    )
    live.see(arrival(10, {"voltage": 1.0}))
    live.see(arrival(5, {"voltage": 2.0}))
    live.hear("gw-1", Status(online=False, boot="b"), 11)
    live.alarm([transition])
    await asyncio.sleep(0)
    live.tell_store("down")
    await following

    assert got == [
        Sampled("gw-1", Sample("meter-1", 10, {"voltage": 1.0})),
        GatewayChanged("gw-1"),
        AlarmChanged(transition),
        StoreChanged("down"),
    ]
    assert live.store == "down"


async def test_a_slow_follower_loses_its_oldest_events_counted() -> None:
    live = Live()
    events = aiter(live.subscribe(most=2))
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)

    for at in (1, 2, 3, 4):
        live.see(arrival(at, {}))

    got = [await first, await anext(events)]
    assert [event.sample.at for event in got if isinstance(event, Sampled)] == [3, 4]
    assert live.counters.events_dropped == 2


async def test_a_follower_that_left_is_not_waited_for() -> None:
    live = Live()
    events = live.subscribe(most=1)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    live.see(arrival(1, {}))
    await first

    await events.aclose()
    for at in (2, 3, 4):
        live.see(arrival(at, {}))

    assert live.counters.events_dropped == 0
