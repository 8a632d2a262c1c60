"""The collector's end of MQTT: bytes in, receipts out, and its presence for agents to see.

paho runs on a thread of its own. It acknowledges at once, with a clean session: receipts, not the
broker, tell an agent what may be deleted. Presence is published once the subscription stands, so
that nobody sends into the void, and again whenever an older will says `offline` in our name.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector.ingest.inbox import Inbox, Message
from telemetry import announce, topics
from telemetry.announce import MalformedAnnouncement, Presence
from telemetry.settings import read_secret

if TYPE_CHECKING:
    import asyncio

    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from collector.ingest.mqtt_settings import MqttSettings

log = logging.getLogger(__name__)

ROOM = 32 * 2**20
"""Bytes of envelopes that may wait for the event loop: 128 of the largest."""

ASK_AGAIN_AFTER = 3.0
"""Seconds after which a fresh subscription asks once more for what is retained.

nats-server 2.15 forgets to deliver a retained message to who subscribes within a millisecond or
two of its publication.
"""

RECONNECT_MIN, RECONNECT_MAX = 1, 30
"""Seconds between tries to connect."""


class Intake:
    """A connection that is kept up from `start` to `stop`.

    Args:
        settings: the broker.
        boot: this run's id; a new one makes agents resend what is in flight.
        loop: where messages are taken.
        room: bytes of envelopes that may wait to be taken.
    """

    def __init__(
        self,
        settings: MqttSettings,
        boot: str,
        loop: asyncio.AbstractEventLoop,
        room: int = ROOM,
    ) -> None:
        self.inbox = Inbox(loop, room)
        self._settings = settings
        self._boot = boot
        self._topic = topics.presence(settings.client_id)
        self._store: Literal["up", "down"] = "up"
        self._session = 0
        self._state = ""
        self._others: set[str] = set()
        self._introduced = False
        self._stopping = False
        self._subscribed = False
        self._loop = loop
        self._client = self._new_client()

    @property
    def connected(self) -> bool:
        """Whether messages can come in now."""
        return self._subscribed and self._client.is_connected()

    def start(self) -> None:
        """Connect, and connect again whenever the connection is lost."""
        settings = self._settings
        self._client.connect_async(settings.host, settings.port, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        """Say `offline` and disconnect; blocks for the moment that this takes."""
        self._stopping = True
        with contextlib.suppress(RuntimeError):  # the connection is lost: the will speaks for us
            self._publish_presence(online=False).wait_for_publish(1)
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0, or not at all while disconnected: a lost receipt is asked for again."""
        self._client.publish(topic, payload)

    def tell_store(self, state: Literal["up", "down"]) -> None:
        """Have presence say whether the store takes data."""
        self._store = state
        if self._subscribed:
            self._publish_presence(online=True)

    def _new_client(self) -> paho.Client:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=True,
            protocol=paho.MQTTv311,
        )
        if settings.username is not None:
            password = read_secret(settings.password) if settings.password else None
            client.username_pw_set(settings.username, password)
        if settings.tls is not None:
            context = ssl.create_default_context(cafile=settings.tls.ca)
            if settings.tls.certificate:
                context.load_cert_chain(settings.tls.certificate, settings.tls.key)
            client.tls_set_context(context)
        client.reconnect_delay_set(RECONNECT_MIN, RECONNECT_MAX)
        will = announce.pack_presence(Presence(online=False, boot=self._boot))
        client.will_set(self._topic, will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.message_callback_add(self._topic, self._on_presence)
        return client

    def _publish_presence(self, *, online: bool) -> paho.MQTTMessageInfo:
        payload = announce.pack_presence(Presence(online, self._boot, self._store, self._session))
        return self._client.publish(self._topic, payload, qos=1, retain=True)

    def _on_connect(
        self,
        client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._tell(f"refused: {reason}", logging.ERROR)
            return
        self._session += 1
        client.subscribe([(self._topic, 1), (topics.ALL_UP, 1)])
        self._loop.call_soon_threadsafe(self._loop.call_later, ASK_AGAIN_AFTER, self._ask_again)

    def _ask_again(self) -> None:
        if self._subscribed:
            self._client.subscribe(topics.ALL_UP, 1)

    def _on_connect_fail(self, _client: paho.Client, _userdata: object) -> None:
        self._tell("cannot be reached", logging.WARNING)

    def _on_subscribe(
        self,
        _client: paho.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._tell(f"denies the subscription to {topics.ALL_UP}", logging.ERROR)
            return
        self._subscribed = True
        self._publish_presence(online=True)
        self._tell("connected", logging.INFO)

    def _on_disconnect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._subscribed and not self._stopping:
            self._tell(f"connection lost: {reason}", logging.WARNING)
        self._subscribed = False

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ANN401 - paho's signature
        at = time.time_ns() // 1_000_000
        self.inbox.put(Message(message.topic, bytes(message.payload), at))

    def _on_presence(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ANN401 - paho's signature
        try:
            seen = announce.unpack_presence(bytes(message.payload))
        except MalformedAnnouncement:
            seen = Presence(online=False, boot="")
        if seen.boot == self._boot:
            self._introduced = True
        elif seen.boot not in self._others:
            self._others.add(seen.boot)
            if self._introduced:
                self._meet_rival(seen.boot)
        mine = seen.online and (seen.boot, seen.session) == (self._boot, self._session)
        if self._subscribed and not (mine or self._stopping):
            self._publish_presence(online=True)

    def _meet_rival(self, boot: str) -> None:
        """Somebody new speaks in our name: the broker cuts each off when the other comes.

        Boots that had spoken before us are our own past, which a broker may remember.
        """
        self._client.reconnect_delay_set(RECONNECT_MAX, RECONNECT_MAX)
        log.error(
            "broker: another collector (boot %s) runs as %r, and each cuts the other off;"
            " stop one, or give it a client_id of its own",
            boot,
            self._settings.client_id,
        )

    def _tell(self, state: str, level: int) -> None:
        """Log the connection's state, once a change."""
        if state != self._state:
            self._state = state
            log.log(level, "broker %s:%d: %s", self._settings.host, self._settings.port, state)
