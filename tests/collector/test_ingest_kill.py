"""The promise through kill -9: each sample is stored, each alarm is journalled once, none is lost.

The collector runs as a process of its own and is killed at any moment; an agent that knows nothing
but receipts and presence sends again what has no receipt, in order, to each new boot.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from collector.alarms.transition import Kind, Transition
from collector.journal.journal import Journal
from collector.stores.query import Query
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry import announce, envelope, receipt, topics
from telemetry.envelope import Clock, Device, Envelope
from telemetry.receipt import Outcome
from telemetry.sample import Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parts.mosquitto import Mosquitto

STREAM = "0123456789abcdef"
METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")
WINDOW, ROUNDS, KILLS = 40, 10, 6

COLLECTOR = """
import asyncio, sys, uuid
from pathlib import Path
from collector.alarms.engine import Engine
from collector.alarms.rules import Rule
from collector.ingest.ingest import Ingest
from collector.ingest.intake import Intake
from collector.journal.journal import Journal
from collector.live import Live
from collector.ingest.mqtt_settings import MqttSettings
from collector.ingest.storing import Storing
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore

RULE = Rule.model_validate({
    "id": "mains-high", "title": "High", "watch": {"channel": "voltage"}, "when": {"above": 253},
    "priority": "high", "action": "Call."})

async def main(directory, port):
    live, journal = Live(), Journal(directory / "journal.db")
    store = SqliteStore(SqliteSettings(path=directory / "samples.db"))
    settings = MqttSettings(port=port)
    intake = Intake(settings, uuid.uuid4().hex, asyncio.get_running_loop())
    engine = Engine([RULE], await journal.open())
    storing = Storing(store=store, journal=journal, intake=intake, live=live)
    intake.start()
    await Ingest(intake=intake, engine=engine, journal=journal, storing=storing, live=live).run()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


class Courier:
    """Sends a window, again to each new boot, until all of it is stored."""

    def __init__(self, port: int) -> None:
        self.unstored: dict[int, bytes] = {}
        self.turn = threading.Condition()
        self.boot = ""
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe(
            [(topics.receipts("gw-1"), 1), (topics.ALL_PRESENCE, 1)]
        )
        self.client.on_message = self._take
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def send(self, window: dict[int, bytes]) -> None:
        """Send new envelopes."""
        with self.turn:
            self.unstored = dict(window)
            if self.boot:
                self._publish()

    def has_at_most(self, left: int) -> Callable[[], bool]:
        """Whether no more than `left` envelopes are not stored yet."""
        return lambda: len(self.unstored) <= left

    def _publish(self) -> None:
        for seq, payload in self.unstored.items():
            topic = EnvelopeTopic("gw-1", Lane.LIVE, STREAM, seq)
            self.client.publish(str(topic), payload, qos=1)

    def _take(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        with self.turn:
            if message.topic.endswith("presence"):
                presence = announce.unpack_presence(bytes(message.payload))
                if presence.online and presence.boot != self.boot:
                    self.boot = presence.boot
                    self._publish()
                return
            for told in receipt.unpack(bytes(message.payload)):
                assert told.outcome is Outcome.STORED
                self.unstored.pop(told.seq, None)
            self.turn.notify()


def window(first: int, start: int) -> dict[int, bytes]:
    """Envelopes of a sample each, every other one a breach."""
    return {
        seq: envelope.pack(
            Envelope(
                Clock.SYNCED,
                (METER,),
                (Sample("meter-1", start + seq, {"voltage": 254.0 if seq % 2 else 230.0}),),
            )
        )
        for seq in range(first, first + WINDOW)
    }


@pytest.mark.system
def test_a_collector_killed_at_any_moment_loses_and_repeats_nothing(
    tmp_path: Path, broker: Mosquitto
) -> None:
    command = [sys.executable, "-c", COLLECTOR, str(tmp_path), str(broker.port)]
    process = subprocess.Popen(command)
    courier = Courier(broker.port)
    chance = random.Random(7)  # noqa: S311 - moments, no secrets
    kills = set(chance.sample(range(ROUNDS), KILLS))
    start = time.time_ns() // 1_000_000 - 10_000
    try:
        for number in range(ROUNDS):
            courier.send(window(number * WINDOW + 1, start))
            left = chance.randrange(WINDOW)
            with courier.turn:
                if number in kills:
                    assert courier.turn.wait_for(courier.has_at_most(left + 1), 60)
                    process.kill()
                    process.wait()
                    process = subprocess.Popen(command)
                assert courier.turn.wait_for(lambda: not courier.unstored, 60)
    finally:
        process.kill()
        process.wait()
        courier.client.disconnect()
        courier.client.loop_stop()

    transitions, stored = asyncio.run(_read(tmp_path))
    counted = Counter((t.kind, t.occurrence) for t in transitions)
    raised = [t.at - start for t in transitions if t.kind is Kind.RAISED]
    assert max(counted.values()) == 1
    assert raised == list(range(1, ROUNDS * WINDOW + 1, 2))
    assert stored == ROUNDS * WINDOW


async def _read(directory: Path) -> tuple[list[Transition], int]:
    async with Journal(directory / "journal.db") as journal:
        await journal.open()
        transitions = [t for _, t in await journal.transitions(limit=10**6)]
    store = SqliteStore(SqliteSettings(path=directory / "samples.db"))
    await store.open()
    query = Query(measurement="electricity_meter", start=0, end=10**14)
    stored = sum(len(series.points) for series in await store.read(query))
    await store.close()
    return transitions, stored
