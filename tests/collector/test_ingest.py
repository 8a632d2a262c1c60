"""The promise of ingest: watch, journal, store, receipt; a crash repeats and never skips.

A real broker, journal and SQLite store; agents are plain MQTT clients. A valve before the store
lets a test shut it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector.alarms.engine import Engine
from collector.alarms.rules import Rule
from collector.ingest.ingest import Ingest
from collector.ingest.intake import Intake
from collector.ingest.mqtt_settings import MqttSettings
from collector.ingest.storing import Storing
from collector.journal.entry import Hour
from collector.journal.journal import Journal
from collector.live import Live
from collector.stores import StoreUnavailable, Written
from collector.stores.query import Query
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry import announce, envelope, receipt, topics
from telemetry.announce import About, Channel, DeviceEntry, Model, Presence, Status
from telemetry.envelope import Clock, Device, Envelope
from telemetry.receipt import Outcome, Receipt
from telemetry.sample import Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    import pytest

    from collector.arrival import Arrival
    from parts.mosquitto import Mosquitto

STREAM = "0123456789abcdef"
METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")
RULE = Rule.model_validate(
    {
        "id": "mains-high",
        "title": "Mains voltage high",
        "watch": {"channel": "voltage"},
        "when": {"above": 253},
        "max_gap": "60s",
        "priority": "high",
        "action": "Call the grid operator.",
    }
)


class Valve(SqliteStore):
    """A SQLite store that can be shut.

    `shut` refuses, `expired` refuses until it is opened again, `held` lets a write wait until it
    is set.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteSettings(path=path))
        self.shut = False
        self.expired = False
        self.held = asyncio.Event()
        self.held.set()
        self.writes = 0

    async def open(self) -> None:
        """Open, unless shut."""
        if self.shut:
            raise StoreUnavailable("shut by the test")
        await super().open()
        self.expired = False

    async def write(self, arrivals: Sequence[Arrival]) -> Written:
        """Write, unless shut."""
        await self.held.wait()
        if self.expired:
            raise StoreUnavailable("its token expired", misconfigured=True)
        if self.shut:
            raise StoreUnavailable("shut by the test")
        self.writes += 1
        return await super().write(arrivals)


class Agent:
    """An agent's end of the wire."""

    def __init__(self, port: int, name: str = "gw-1") -> None:
        self.name = name
        self.receipts: list[Receipt] = []
        self.presences: list[Presence] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = self._subscribe
        self.client.on_message = self._take
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def send(self, seq: int, *samples: Sample, lane: Lane = Lane.LIVE) -> int:
        """Publish an envelope; its checksum."""
        payload = envelope.pack(Envelope(Clock.SYNCED, (METER,), samples))
        self.publish(str(EnvelopeTopic(self.name, lane, STREAM, seq)), payload)
        return receipt.checksum(payload)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish anything."""
        self.client.publish(topic, payload, qos=1)

    def outcomes(self, seq: int) -> list[Outcome]:
        """What the receipts for an envelope said."""
        return [r.outcome for r in self.receipts if r.seq == seq]

    def _subscribe(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(topics.receipts(self.name), 1), (topics.ALL_PRESENCE, 1)])

    def _take(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("presence"):
            self.presences.append(announce.unpack_presence(bytes(message.payload)))
        else:
            self.receipts += receipt.unpack(bytes(message.payload))


class Collector:
    """The parts of one collector, put together."""

    def __init__(self, directory: Path, port: int, room: int) -> None:
        self.live = Live()
        self.store = Valve(directory / "samples.db")
        self.journal = Journal(directory / "journal.db")
        self.intake = Intake(MqttSettings(port=port), "boot-1", asyncio.get_running_loop())
        self.storing = Storing(
            store=self.store,
            journal=self.journal,
            intake=self.intake,
            live=self.live,
            room=room,
            retry_min=0.05,
        )

    async def run(self) -> None:
        """Until it is cancelled."""
        self.engine = Engine([RULE], await self.journal.open())
        self.intake.start()
        try:
            await Ingest(
                intake=self.intake,
                engine=self.engine,
                journal=self.journal,
                storing=self.storing,
                live=self.live,
            ).run()
        finally:
            self.intake.stop()
            await self.journal.close()
            await self.store.close()

    async def voltages(self) -> list[float]:
        """What the store has."""
        query = Query(measurement="electricity_meter", start=0, end=10**14)
        return [
            float(p.value)
            for s in await self.store.read(query)
            if s.channel == "voltage"
            for p in s.points
            if p.value is not None
        ]


@asynccontextmanager
async def collecting(
    directory: Path, broker: Mosquitto, *, shut: bool = False, room: int = 1000
) -> AsyncIterator[tuple[Collector, Agent]]:
    """A collector that runs, and an agent that knows it."""
    collector = Collector(directory, broker.port, room)
    collector.store.shut = shut
    running = asyncio.create_task(collector.run())
    agent = Agent(broker.port)
    try:
        await until(lambda: running.done() or (collector.intake.connected and agent.presences))
        yield collector, agent
    finally:
        agent.client.disconnect()
        agent.client.loop_stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what another thread does has no event here
            await asyncio.sleep(0.01)


def now() -> int:
    return time.time_ns() // 1_000_000


def volts(voltage: float, at: int | None = None) -> Sample:
    return Sample("meter-1", now() if at is None else at, {"voltage": voltage})


async def test_what_is_receipted_as_stored_is_in_the_store(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        crc = agent.send(1, volts(230.0))
        await until(lambda: agent.receipts)

        assert agent.receipts == [Receipt(STREAM, 1, crc, Outcome.STORED)]
        assert await collector.voltages() == [230.0]
        assert collector.live.devices["gw-1", "meter-1"].values == {"voltage": 230.0}
        counters = collector.live.counters
        assert (counters.envelopes, counters.samples, counters.values) == (1, 1, 1)


async def test_an_unreadable_envelope_is_refused_with_the_reason(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        agent.publish(f"ct/v1/gw-1/up/live/{STREAM}/5", b"no envelope")
        await until(lambda: agent.receipts)

        (refused,) = agent.receipts
        assert (refused.seq, refused.outcome) == (5, Outcome.REFUSED)
        assert refused.crc == receipt.checksum(b"no envelope")
        assert "not deflated" in refused.reason
        assert collector.live.counters.refused == 1


async def test_every_copy_is_receipted_and_stored_once(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        sample = volts(254.0)
        for _ in range(3):
            agent.send(1, sample)
        await until(lambda: len(agent.outcomes(1)) == 3)

        assert await collector.voltages() == [254.0]
        assert len(await collector.journal.transitions()) == 1
        assert collector.live.counters.duplicates == 2
        assert collector.live.counters.conflicts == 0


async def test_alarms_do_not_wait_for_the_store(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        collector.store.held.clear()
        agent.send(1, volts(230.0))
        await until(lambda: collector.live.counters.envelopes == 1)
        agent.send(2, volts(254.0))
        await until(collector.engine.open_alarms)

        assert agent.receipts == []
        collector.store.held.set()
        await until(lambda: agent.outcomes(2) == [Outcome.STORED])


async def test_while_the_store_is_down_envelopes_are_seen_and_alarms_go_on(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        collector.store.shut = True
        sample = volts(254.0)
        agent.send(1, sample)
        await until(lambda: agent.outcomes(1) == [Outcome.SEEN])
        await until(lambda: agent.presences[-1].store == "down")
        assert len(collector.engine.open_alarms()) == 1
        assert await collector.voltages() == []

        collector.store.shut = False
        await until(lambda: agent.presences[-1].store == "up")
        agent.send(1, sample)
        await until(lambda: Outcome.STORED in agent.outcomes(1))

        assert await collector.voltages() == [254.0]
        assert len(await collector.journal.transitions()) == 1


async def test_a_store_with_a_wrong_secret_is_opened_again(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        collector.store.expired = True

        agent.send(1, volts(230.0))

        await until(lambda: agent.outcomes(1) == [Outcome.SEEN, Outcome.STORED])
        assert await collector.voltages() == [230.0]


async def test_what_waits_for_a_store_that_goes_down_is_seen_at_once(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        collector.store.held.clear()
        for seq in (1, 2, 3):
            agent.send(seq, volts(float(seq)))
            await until(lambda: collector.live.counters.envelopes == seq)  # noqa: B023 - awaited

        collector.store.shut = True
        collector.store.held.set()
        await until(lambda: len(agent.receipts) == 3)

        assert {told.outcome for told in agent.receipts} == {Outcome.SEEN}


async def test_a_store_that_is_down_at_the_start_is_waited_for(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker, shut=True) as (collector, agent):
        agent.send(1, volts(254.0))
        await until(lambda: agent.outcomes(1) == [Outcome.SEEN])
        assert len(collector.engine.open_alarms()) == 1

        collector.store.shut = False
        await until(lambda: agent.presences[-1].store == "up")
        agent.send(2, volts(255.0))
        await until(lambda: agent.outcomes(2) == [Outcome.STORED])


async def test_a_store_that_is_too_slow_fills_no_memory(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(tmp_path, broker, room=4) as (collector, agent):
        collector.store.held.clear()
        for seq in range(1, 7):
            agent.send(seq, volts(float(seq)))
            await until(lambda: collector.live.counters.envelopes == seq)  # noqa: B023 - awaited
        await until(lambda: agent.outcomes(6) == [Outcome.SEEN])
        await until(lambda: agent.presences[-1].store == "down")

        collector.store.held.set()
        await until(lambda: agent.presences[-1].store == "up")
        await until(lambda: agent.outcomes(1) == [Outcome.STORED])


async def test_a_future_sample_is_kept_aside_and_receipted(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        tomorrow = now() + 86_400_000
        agent.send(1, volts(254.0, at=tomorrow), volts(230.0, at=now() - 1))
        agent.send(2, volts(231.0))
        await until(lambda: agent.outcomes(1) == agent.outcomes(2) == [Outcome.STORED])

        ((_, letter),) = await collector.journal.dead_letters()
        assert (letter.at, letter.reason) == (tomorrow, "more than 60 s in the future")
        released = envelope.unpack(letter.sample.encode())
        assert released.samples == (volts(254.0, at=tomorrow),)
        assert released.devices == (METER,)
        assert await collector.voltages() == [230.0, 231.0]
        assert collector.engine.open_alarms() == []
        assert collector.live.counters.future == collector.live.counters.dead_letters == 1


async def test_a_sample_that_the_store_never_takes_is_kept_aside_and_receipted(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        agent.send(1, volts(230.0, at=1), volts(231.0))
        await until(lambda: agent.outcomes(1) == [Outcome.STORED])

        ((_, letter),) = await collector.journal.dead_letters()
        assert letter.at == 1
        assert await collector.voltages() == [231.0]


async def test_a_sample_too_large_for_a_broker_when_inflated_is_kept_aside_too(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        wide = {f"channel_{n}": 1.5 for n in range(20_000)}
        agent.send(1, Sample("meter-1", now() + 86_400_000, wide))
        agent.send(2, Sample("meter-1", now(), wide))
        await until(lambda: agent.outcomes(1) == agent.outcomes(2) == [Outcome.STORED])

        letters = await collector.journal.dead_letters()
        assert [len(letter.sample) > envelope.MAX_BYTES for _, letter in letters] == [True, True]


async def test_what_is_kept_aside_is_told_once_a_device(
    tmp_path: Path, broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="collector.ingest.dead_letters")
    async with collecting(tmp_path, broker) as (_, agent):
        for seq in (1, 2):
            agent.send(seq, volts(254.0, at=now() + 86_400_000), volts(230.0, at=seq))
        await until(lambda: agent.outcomes(1) == agent.outcomes(2) == [Outcome.STORED])

    told = "gw-1 meter-1: samples are kept aside, not stored: "
    assert caplog.messages == [
        told + "more than 60 s in the future",
        told + "time 1 is older than the 400 days that are kept",
    ]


async def test_backlog_is_stored_and_pages_nobody(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        agent.send(1, volts(254.0, at=now() - 7_200_000), lane=Lane.BACKLOG)
        await until(lambda: agent.outcomes(1) == [Outcome.STORED])

        assert await collector.voltages() == [254.0]
        assert await collector.journal.transitions() == []
        assert collector.live.counters.late == 1


async def test_the_hours_of_what_was_stored_are_marked(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        at = now()
        agent.send(1, volts(230.0, at=at))
        await until(lambda: agent.outcomes(1) == [Outcome.STORED])

        hour = at - at % 3_600_000
        assert await collector.journal.marked_hours(at + 1) == [Hour("electricity_meter", hour)]


async def test_the_hours_of_what_the_store_never_took_are_not_marked(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        agent.send(1, volts(230.0, at=1))
        await until(lambda: agent.outcomes(1) == [Outcome.STORED])

        assert await collector.journal.marked_hours(now()) == []


async def test_announcements_reach_the_live_picture(
    tmp_path: Path, broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    async with collecting(tmp_path, broker) as (collector, agent):
        model = Model(1, "electricity_meter", {"voltage": Channel("V", "float")})
        entry = DeviceEntry("eastron-sdm630", heartbeat=900)
        about = About(
            version="1.2",
            boot="b",
            config="c",
            models={"eastron-sdm630": model},
            devices={"meter-1": entry},
        )
        for _ in range(2):
            agent.publish("ct/v1/gw-1/up/about", announce.pack_about(about))
        agent.publish("ct/v1/gw-1/up/status", announce.pack_status(Status(online=True, boot="b")))
        agent.publish("ct/v1/gw-1/up/status/too", b"{}")
        await until(lambda: collector.live.counters.foreign == 1)

        gateway = collector.live.gateways["gw-1"]
        assert gateway.about == about
        assert gateway.status == Status(online=True, boot="b")
    assert caplog.text.count("max_gap 60 s is less than twice the heartbeat") == 1


async def test_restart_no_renotify_and_no_second_row(tmp_path: Path, broker: Mosquitto) -> None:
    sample = volts(254.0)
    async with collecting(tmp_path, broker) as (_, agent):
        agent.send(1, sample)
        await until(lambda: agent.outcomes(1))

    async with collecting(tmp_path, broker) as (collector, agent):
        assert len(collector.engine.open_alarms()) == 1
        agent.send(1, sample)
        await until(lambda: agent.outcomes(1))

        assert len(await collector.journal.transitions()) == 1
        assert await collector.voltages() == [254.0]
        assert collector.live.counters.duplicates == 1
