"""The intake's promise: it comes back, and says so; two of one name do not fight unseen."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from collector.ingest.intake import Intake
from collector.ingest.mqtt_settings import MqttSettings, MqttTls
from parts.mosquitto import Mosquitto, mosquitto
from parts.processes import require_program
from telemetry import announce, topics
from telemetry.announce import Presence
from telemetry.settings import SettingsError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


ENVELOPE = "ct/v1/gw-1/up/live/0123456789abcdef/7"
PRESENCE = topics.presence("collector")


class Peer:
    """An MQTT client that remembers what it got."""

    def __init__(self, port: int, topic: str) -> None:
        self.got: list[tuple[str, bytes, bool]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_message = lambda _, __, m: self.got.append(
            (m.topic, bytes(m.payload), m.retain)
        )
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def presences(self) -> list[Presence]:
        """The presences that it got."""
        return [announce.unpack_presence(payload) for _, payload, _ in self.got if payload]


@contextmanager
def peer(port: int, topic: str) -> Iterator[Peer]:
    """A peer that follows `topic`."""
    follower = Peer(port, topic)
    try:
        yield follower
    finally:
        follower.client.disconnect()
        follower.client.loop_stop()


@contextmanager
def intake(port: int, boot: str = "boot-1") -> Iterator[Intake]:
    """An intake that was started."""
    settings = MqttSettings(port=port)
    running = Intake(settings, boot, asyncio.get_running_loop())
    running.start()
    try:
        yield running
    finally:
        running.stop()


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what another thread does has no event here
            await asyncio.sleep(0.01)


async def test_presence_is_retained_and_follows_the_store(broker: Mosquitto) -> None:
    with intake(broker.port) as running:
        await until(lambda: running.connected)
        running.tell_store("down")

        with peer(broker.port, PRESENCE) as agent:
            await until(
                lambda: (
                    Presence(online=True, boot="boot-1", store="down", session=1)
                    in agent.presences()
                )
            )
            running.tell_store("up")
            await until(lambda: agent.presences()[-1].store == "up")


async def test_whoever_ends_says_so(broker: Mosquitto) -> None:
    with peer(broker.port, PRESENCE) as agent:
        with intake(broker.port):
            await until(agent.presences)

        await until(lambda: not agent.presences()[-1].online)


async def test_presence_comes_when_the_subscription_stands(broker: Mosquitto) -> None:
    with peer(broker.port, PRESENCE) as agent, intake(broker.port) as running:
        await until(agent.presences)

        agent.client.publish(ENVELOPE, b"payload", qos=1)
        (message,) = await asyncio.wait_for(running.inbox.take(100), 60)

    assert (message.topic, message.payload) == (ENVELOPE, b"payload")


async def test_its_own_offline_is_answered_with_online(broker: Mosquitto) -> None:
    with peer(broker.port, PRESENCE) as agent, intake(broker.port, "new") as running:
        await until(lambda: running.connected)
        old_will = announce.pack_presence(Presence(online=False, boot="old"))

        agent.client.publish(PRESENCE, old_will, qos=1, retain=True)

        await until(lambda: Presence(online=False, boot="old") in agent.presences())
        await until(lambda: agent.presences()[-1] == Presence(online=True, boot="new", session=1))


async def test_it_comes_back_when_the_broker_does(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"), intake(broker.port) as running:
        await until(lambda: running.connected)
        broker.kill()
        await until(lambda: not running.connected)
        await until(lambda: "cannot be reached" in caplog.text)
        broker.start()
        await until(lambda: running.connected)

        with peer(broker.port, PRESENCE) as agent:
            await until(agent.presences)

    assert caplog.text.count("cannot be reached") == 1
    assert caplog.text.count(": connected") == 2


async def test_a_broker_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Mosquitto(tmp_path)
    with intake(broker.port) as running:
        await until(lambda: "cannot be reached" in caplog.text)
        broker.start()
        try:
            await until(lambda: running.connected)
        finally:
            broker.stop()


async def test_a_receipt_is_dropped_while_there_is_no_connection() -> None:
    settings = MqttSettings(port=1)
    lonely = Intake(settings, "boot", asyncio.get_running_loop())

    for _ in range(10):
        lonely.publish(topics.receipts("gw-1"), b"receipt")

    assert len(lonely._client._out_packet) == 0


async def test_two_collectors_with_one_id_are_told_apart_in_the_log(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    with intake(broker.port, "first") as one:
        await until(lambda: one._introduced)
        with intake(broker.port, "second"):
            await until(
                lambda: "another collector (boot second) runs as 'collector'" in caplog.text
            )


async def test_a_restart_is_no_rival(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    with intake(broker.port, "first") as one:
        await until(lambda: one._introduced)
    with intake(broker.port, "second") as two:
        await until(lambda: two._introduced)

    assert "another collector" not in caplog.text


async def test_a_refused_connection_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mosquitto(tmp_path, "allow_anonymous false") as broker, intake(broker.port):
        await until(lambda: "refused: Not authorized" in caplog.text)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_may_go_without_tls(host: str) -> None:
    assert MqttSettings(host=host).tls is None


@pytest.mark.parametrize("host", ["10.0.0.2", "broker.example.org"])
def test_off_loopback_tls_is_a_must_unless_waived(host: str) -> None:
    with pytest.raises(SettingsError, match="not loopback: give tls"):
        parse(f"host: {host}", MqttSettings, "c.yaml")

    assert parse(f"host: {host}\nplaintext: true", MqttSettings, "c.yaml").plaintext
    assert parse(f"host: {host}\ntls: {{}}", MqttSettings, "c.yaml").tls


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(SettingsError, match="certificate and key go together"):
        parse("tls: {certificate: a.pem}", MqttSettings, "c.yaml")


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_trusts_the_authority_that_is_named_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    openssl = require_program("openssl")
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    make = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *names, *files], check=True, capture_output=True)  # noqa: ASYNC221 - before anything runs
    loop = asyncio.get_running_loop()
    with mosquitto(tmp_path, f"certfile {certificate}\nkeyfile {key}") as broker:
        named = MqttSettings(port=broker.port, tls=MqttTls(ca=certificate))
        trusting = Intake(named, "boot", loop)
        trusting.start()
        await until(lambda: trusting.connected)
        trusting.stop()

        doubting = Intake(MqttSettings(port=broker.port, tls=MqttTls()), "boot", loop)
        doubting.start()
        await until(lambda: "cannot be reached" in caplog.text)
        doubting.stop()


async def test_each_connection_is_a_session_of_its_own(broker: Mosquitto) -> None:
    with intake(broker.port) as running:
        await until(lambda: running.connected)
        broker.kill()
        await until(lambda: not running.connected)
        broker.start()

        with peer(broker.port, PRESENCE) as agent:
            await until(lambda: any(presence.session > 1 for presence in agent.presences()))


async def test_what_is_retained_is_asked_for_twice(tmp_path: Path) -> None:
    log = tmp_path / "mosquitto.log"
    with mosquitto(tmp_path, "log_type subscribe") as verbose, intake(verbose.port):
        await until(lambda: log.read_text().count(topics.ALL_UP) == 2)
