"""A person with an MQTT client: says things, hears things, waits for what must come."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEARD_WITHIN = 20.0
"""Seconds to wait for what must come; generous, because machines are shared."""


class Refused(Exception):
    """The broker did not take the connection."""


@dataclass(frozen=True)
class ClientTls:
    """The authority that a client trusts, and its own certificate."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


class MqttClient:
    """A connected client; `heard` holds (topic, payload) of what came."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._changed = threading.Condition()
        self.heard: list[tuple[str, bytes]] = []
        self.connections = 0
        self._answers: dict[int, bool] = {}
        self._refusal: str | None = None
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Say it, until the broker has answered."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(HEARD_WITHIN)

    def subscribe(self, topic: str, qos: int = 0) -> bool:
        """Ask for a topic; whether it is granted."""
        with self._changed:
            number = self._client.subscribe(topic, qos)[1]
            assert number is not None
            assert self._changed.wait_for(lambda: number in self._answers, HEARD_WITHIN)
            return self._answers[number]

    def wait_until_heard(self, payload: bytes) -> None:
        """Until a message with that payload has come."""
        with self._changed:
            came = self._changed.wait_for(lambda: payload in self._payloads(), HEARD_WITHIN)
            assert came, f"{payload!r} did not come; heard {self.heard}"

    def subscribe_until_heard(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Ask for a topic until a retained message of it has come.

        On a busy machine nats-server 2.15 gives a retained message to no one who subscribes in the
        first milliseconds after it was acknowledged (15 of 140).
        """
        deadline = time.monotonic() + HEARD_WITHIN
        while time.monotonic() < deadline:
            assert self.subscribe(topic, qos)
            with self._changed:
                if self._changed.wait_for(lambda: payload in self._payloads(), 1):
                    return
        pytest.fail(f"{payload!r} did not come; heard {self.heard}")

    def wait_for_connection(self, number: int) -> None:
        """Until it has connected for the `number`th time."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.connections >= number or self._refusal is not None, HEARD_WITHIN
            ), "no answer from the broker"
            if self.connections < number:
                raise Refused(self._refusal)

    def break_connection(self) -> None:
        """Go without a word, as a power cut would, so that the last will is said."""
        connection = self._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)

    def _payloads(self) -> list[bytes]:
        return [payload for _, payload in self.heard]

    def _on_connect(self, _c: object, _u: object, _f: object, code: Any, _p: object) -> None:  # noqa: ANN401 - paho's ReasonCode is untyped
        with self._changed:
            if code.is_failure:
                self._refusal = str(code)
            else:
                self.connections += 1
            self._changed.notify_all()

    def _on_message(self, _c: object, _u: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic, bytes(message.payload)))
            self._changed.notify_all()

    def _on_subscribe(self, _c: object, _u: object, mid: int, codes: Any, _p: object) -> None:  # noqa: ANN401 - paho's ReasonCode is untyped
        with self._changed:
            self._answers[mid] = not codes[0].is_failure
            self._changed.notify_all()


@contextlib.contextmanager
def mqtt_client(  # noqa: PLR0913 - each is one thing a CONNECT may say
    port: int,
    user: str,
    password: str,
    *,
    client_id: str = "",
    will: tuple[str, bytes] | None = None,
    tls: ClientTls | None = None,
) -> Iterator[MqttClient]:
    """A client that is connected (MQTT 3.1.1, clean session), or `Refused`."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id or user, protocol=paho.MQTTv311
    )
    client.username_pw_set(user, password)
    client.reconnect_delay_set(1, 1)
    if tls is not None:
        client.tls_set(
            str(tls.ca),
            str(tls.certificate) if tls.certificate else None,
            str(tls.key) if tls.key else None,
        )
    if will is not None:
        client.will_set(*will, qos=1, retain=True)
    person = MqttClient(client)
    _connect(client, port)
    client.loop_start()
    try:
        person.wait_for_connection(1)
        yield person
    finally:
        client.disconnect()
        client.loop_stop()


def _connect(client: paho.Client, port: int) -> None:
    deadline = time.monotonic() + HEARD_WITHIN
    while True:
        try:
            client.connect("localhost" if client._ssl else "127.0.0.1", port)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                pytest.fail(f"nothing listens on port {port}")
            time.sleep(0.05)
        else:
            return
