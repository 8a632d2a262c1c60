"""The connection to the broker: publishes what the courier gives, tells it what comes back.

An unreachable broker is a state, not an error: it is told once, and retried with growing pauses.
Written to MQTT 3.1.1 and a clean session: nothing in the promise depends on what a broker keeps
or acknowledges. A PUBACK only says that a receipt can be waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiomqtt

from edge_agent.delivery import cancelling
from edge_agent.delivery.connection import FAREWELL_WITHIN, connected, new_client
from telemetry import topics
from telemetry.announce import (
    MalformedAnnouncement,
    Status,
    pack_about,
    pack_status,
    unpack_presence,
    unpack_status,
)
from telemetry.receipt import MalformedReceipt, unpack
from telemetry.settings import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from paho.mqtt.reasoncodes import ReasonCode

    from edge_agent.delivery.courier import Courier, Posting
    from edge_agent.delivery.settings import UplinkSettings
    from telemetry.announce import About

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = 3.0
"""Seconds without a collector's presence after which a fresh connection asks for it again."""

ASK_AGAIN_EVERY = 30.0
"""Seconds between the further times."""

TAKEN_WITHIN = 300.0
"""Seconds for a PUBACK, after which the connection is given up although it answers pings.

Long, because a full window may need minutes on a slow mobile link.
"""

STEADY_AFTER = 30.0
"""Seconds after which a connection counts as one: the next pause is short again.

Two agents with one id throw each other out at once; they shall not do it in a fast loop.
"""


class SubscriptionRefused(Exception):
    """The broker's access list lets us not hear what we need to hear."""


@dataclass(frozen=True, slots=True)
class _Link:
    client: aiomqtt.Client
    tasks: asyncio.TaskGroup


class Uplink:
    """One agent's connection, kept up by `run`.

    Args:
        agent: the agent's id; it is the client id too, so that a last will is never a stranger's.
        about: what the agent has to say of itself, asked when it connects.
        courier: is told what happens.
        wake: called after it was told.

    Raises:
        SettingsError: if the password cannot be read.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        *,
        agent: str,
        about: Callable[[], About],
        courier: Courier,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._agent = agent
        self._about = about
        self._courier = courier
        self._wake = wake
        secret = settings.password_file
        self._password = None if secret is None else read_secret(secret)
        self._status_topic = str(topics.StatusTopic(agent))
        self._receipts_topic = topics.receipts(agent)
        self._link: _Link | None = None
        self._told = ""

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._link is not None

    async def run(self) -> None:
        """Connect, and again, for ever."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            try:
                await self._session()
            except* (aiomqtt.MqttError, OSError, SubscriptionRefused) as failures:
                self._tell_down(_first(failures))
            cancelling.obey()
            attempt = 0 if loop.time() - began > STEADY_AFTER else attempt + 1
            await asyncio.sleep(pause(attempt, self._settings.reconnect_max))

    def publish(self, postings: Iterable[Posting]) -> None:
        """Hand these to the broker, concurrently; without a connection they are forgotten."""
        for posting in postings:
            if self._link is not None:
                self._link.tasks.create_task(self._publish(self._link.client, posting))

    async def _session(self) -> None:
        async with connected(self._client()) as client:
            try:
                await self._greet(client)
                cancelling.obey()
                async with asyncio.TaskGroup() as tasks:
                    self._link = _Link(client, tasks)
                    self._courier.opened()
                    self._tell_up()
                    asking = tasks.create_task(self._ask_again(client))
                    try:
                        await self._listen(client)
                    finally:
                        asking.cancel()
            finally:
                self._link = None
                self._courier.closed()
                self._wake()
                await self._leave(client)

    def _client(self) -> aiomqtt.Client:
        will = aiomqtt.Will(self._status_topic, self._status(online=False), qos=1, retain=True)
        return new_client(
            self._settings, identifier=self._agent, password=self._password, will=will
        )

    async def _greet(self, client: aiomqtt.Client) -> None:
        await client.publish(self._status_topic, self._status(online=True), qos=1, retain=True)
        about = pack_about(self._about())
        await client.publish(str(topics.AboutTopic(self._agent)), about, qos=1, retain=True)
        wanted = [(self._receipts_topic, 1), (topics.ALL_PRESENCE, 1), (self._status_topic, 1)]
        answers: list[int | ReasonCode] = list(await client.subscribe(wanted))
        for (topic, _), answer in zip(wanted, answers, strict=True):
            code = answer if isinstance(answer, int) else answer.value
            if code >= 0x80:  # noqa: PLR2004 - failure (MQTT 3.1.1, §3.9.3)
                raise SubscriptionRefused(f"may not subscribe to {topic}")

    async def _ask_again(self, client: aiomqtt.Client) -> None:
        """Ask for the collectors' presences until there is one.

        nats-server 2.15 forgets to deliver a retained message to who subscribes within a
        millisecond or two of its publication.
        """
        await asyncio.sleep(ASK_AGAIN_AFTER)
        try:
            while not self._courier.is_open:
                await client.subscribe(topics.ALL_PRESENCE, 1)
                await asyncio.sleep(ASK_AGAIN_EVERY)
        except aiomqtt.MqttError:
            self._link = None  # its task group is about to end, and takes no more tasks
            raise

    async def _leave(self, client: aiomqtt.Client) -> None:
        client.timeout = FAREWELL_WITHIN  # for the disconnection too
        with contextlib.suppress(aiomqtt.MqttError):
            await client.publish(
                self._status_topic,
                self._status(online=False),
                qos=1,
                retain=True,
            )

    async def _listen(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                try:
                    await self._hear(client, str(message.topic), payload)
                except (MalformedReceipt, MalformedAnnouncement) as error:
                    self._tell(f"uplink: not understood on {message.topic}: {error}")
                cancelling.obey()
                self._wake()
        finally:
            self._link = None

    async def _hear(self, client: aiomqtt.Client, topic: str, payload: bytes) -> None:
        if topic == self._receipts_topic:
            now = asyncio.get_running_loop().time()
            for receipt in unpack(payload):
                self._courier.receipt(receipt, now)
        elif topic != self._status_topic:
            collector = topic.split("/")[3]
            self._courier.presence(collector, unpack_presence(payload) if payload else None)
        elif not payload or not unpack_status(payload).online:
            # The last will of a connection of ours that the broker had not yet given up.
            await client.publish(topic, self._status(online=True), qos=1, retain=True)

    async def _publish(self, client: aiomqtt.Client, posting: Posting) -> None:
        parcel = posting.parcel
        topic = topics.EnvelopeTopic(self._agent, posting.lane, parcel.stream, parcel.seq)
        try:
            await client.publish(str(topic), parcel.payload, qos=1, timeout=TAKEN_WITHIN)
        except aiomqtt.MqttError:
            self._link = None  # its task group is about to end, and takes no more tasks
            raise
        self._courier.taken(parcel.seq, asyncio.get_running_loop().time())
        self._wake()

    def _status(self, *, online: bool) -> bytes:
        return pack_status(Status(online, self._about().boot))

    def _tell_up(self) -> None:
        self._tell(f"uplink: connected to broker {self._settings.address}", logging.INFO)

    def _tell_down(self, reason: Exception) -> None:
        self._tell(f"uplink: broker {self._settings.address} is not connected, retrying ({reason})")

    def _tell(self, state: str, level: int = logging.WARNING) -> None:
        """Log a state when it is another than the last."""
        if state != self._told:
            log.log(level, state)
        self._told = state


def pause(attempt: int, longest: float) -> float:
    """Seconds before that attempt to connect: growing, and scattered over a fleet of agents."""
    scattered = random.uniform(0.5, 1)  # noqa: S311 - against storms, not against attackers
    return scattered * min(longest, 2.0 ** min(attempt, 16) / 2)


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
