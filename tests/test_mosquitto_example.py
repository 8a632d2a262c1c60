"""The example for mosquitto in docs/examples: it starts as it stands, and keeps agents apart."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from parts.certificates import certificate, make_authority
from parts.processes import free_port, require_program, running
from telemetry import topics
from telemetry.topics import EnvelopeTopic, Lane, StatusTopic

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[1] / "docs/examples"
INSTALLED = "/etc/mosquitto/city-telemetry"
STREAM = "00112233445566aa"
WITHIN = 30.0
"""Seconds for what must happen."""


@dataclass(frozen=True)
class Example:
    """The example's broker, running."""

    port: int
    authority: Path

    @contextlib.contextmanager
    def client(self, user: str, client_id: str | None = None) -> Iterator[Client]:
        """A connected client; its password is its name."""
        client = Client(self, user, client_id or user)
        try:
            yield client
        finally:
            client.close()


class Client:
    """An MQTT client that remembers what it heard."""

    def __init__(self, example: Example, user: str, client_id: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self.lost = False
        self._paho = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv311)
        self._paho.username_pw_set(user, user)
        self._paho.tls_set(ca_certs=str(example.authority))
        self._paho.on_message = lambda _client, _data, m: self._note(m.topic, bytes(m.payload))
        self._paho.on_subscribe = lambda *_: self._subscribed.set()
        self._paho.on_disconnect = lambda *_: self._note("", b"")
        self._paho.connect("localhost", example.port)
        self._paho.loop_start()

    def subscribe(self, *wanted: str) -> None:
        """Subscribe, and wait until the broker has said yes or no."""
        self._subscribed.clear()
        self._paho.subscribe([(topic, 1) for topic in wanted])
        assert self._subscribed.wait(WITHIN)

    def publish(self, topic: object, payload: str) -> None:
        """Publish, and wait for the broker's acknowledgement, which also denied ones get."""
        self._paho.publish(str(topic), payload, qos=1).wait_for_publish(WITHIN)

    def wait_for(self, payload: bytes) -> list[str]:
        """Until `payload` has come; the topics of all that came by then."""
        with self._changed:
            assert self._changed.wait_for(lambda: payload in dict(self.heard).values(), WITHIN)
            return [topic for topic, _ in self.heard]

    def close(self) -> None:
        """Disconnect."""
        self._paho.disconnect()
        self._paho.loop_stop()

    def _note(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self.lost |= not topic
            self.heard.append((topic, payload))
            self._changed.notify_all()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example as it stands, with its folder and port moved."""
    program, passwords = require_program("mosquitto"), require_program("mosquitto_passwd")
    directory = tmp_path_factory.mktemp("example")
    make_authority(directory)
    made, key = certificate(directory, "localhost")
    (directory / "ca.crt").rename(directory / "ca.pem")
    made.rename(directory / "broker.pem")
    key.rename(directory / "broker.key")
    (directory / "passwords").touch(0o600)
    for user in ("collector", "gw-1", "gw-2"):
        subprocess.run([passwords, "-b", "passwords", user, user], cwd=directory, check=True)
    (directory / "mosquitto.acl").write_text((EXAMPLES / "mosquitto.acl").read_text())
    port = free_port()
    text = (EXAMPLES / "mosquitto.conf").read_text()
    moved = text.replace(INSTALLED, str(directory)).replace("listener 8883", f"listener {port}")
    (directory / "mosquitto.conf").write_text(f"{moved}\nuser root\n")
    command = [program, "-c", str(directory / "mosquitto.conf")]
    with running(command, port=port, log=directory / "mosquitto.log"):
        yield Example(port, directory / "ca.pem")


def envelope(agent: str, seq: int) -> EnvelopeTopic:
    return EnvelopeTopic(agent, Lane.LIVE, STREAM, seq)


def test_an_agent_reaches_the_collector_on_its_own_branch_alone(example: Example) -> None:
    with example.client("collector") as collector, example.client("gw-1") as agent:
        collector.subscribe(topics.ALL_UP)

        agent.publish(envelope("gw-2", 1), "forged")
        agent.publish(StatusTopic("gw-2"), "forged")
        agent.publish(envelope("gw-1", 1), "own")

        assert collector.wait_for(b"own") == [str(envelope("gw-1", 1))]


def test_an_agent_hears_its_receipts_and_nobody_elses(example: Example) -> None:
    with example.client("collector") as collector, example.client("gw-1") as agent:
        agent.subscribe("#", "ct/v1/#", topics.receipts("gw-2"), topics.ALL_UP)
        agent.subscribe(topics.receipts("gw-1"), topics.ALL_PRESENCE)

        collector.publish(topics.receipts("gw-2"), "of another")
        collector.publish(topics.presence("centre"), "up")
        collector.publish(topics.receipts("gw-1"), "own")

        assert set(agent.wait_for(b"own")) == {topics.receipts("gw-1"), topics.presence("centre")}


def test_an_agent_cannot_forge_a_receipt_or_the_collectors_presence(example: Example) -> None:
    with example.client("gw-2") as victim, example.client("gw-1") as agent:
        victim.subscribe(topics.receipts("gw-2"), topics.ALL_PRESENCE, str(StatusTopic("gw-2")))

        agent.publish(topics.receipts("gw-2"), "forged")
        agent.publish(topics.presence("centre"), "forged")
        victim.publish(StatusTopic("gw-2"), "own")

        assert victim.wait_for(b"own") == [str(StatusTopic("gw-2"))]


def test_an_agent_cannot_throw_another_one_out_by_its_client_id(example: Example) -> None:
    with example.client("gw-2") as victim, example.client("gw-1", client_id="gw-2") as agent:
        victim.subscribe(str(StatusTopic("gw-2")))
        agent.subscribe(str(StatusTopic("gw-1")))

        agent.publish(StatusTopic("gw-1"), "I am there")
        victim.publish(StatusTopic("gw-2"), "still there")

        agent.wait_for(b"I am there")
        victim.wait_for(b"still there")
        assert not victim.lost
