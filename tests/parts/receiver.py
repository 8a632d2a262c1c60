"""A collector's place taken by a few lines: it hears envelopes, and answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import aiomqtt

from telemetry import receipt, topics
from telemetry.announce import Presence, pack_presence
from telemetry.envelope import unpack
from telemetry.receipt import Outcome, Receipt, checksum
from telemetry.topics import EnvelopeTopic, parse_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from telemetry.sample import Sample

WITHIN = 60.0
"""Seconds to wait for what must come; generous, because machines are shared."""

Answer = Callable[[EnvelopeTopic], Outcome | None]
"""What to answer to an envelope; None is silence."""


def store_all(_: EnvelopeTopic) -> Outcome | None:
    """Everything is stored."""
    return Outcome.STORED


class Receiver:
    """What came: `envelopes` in order, the `samples` in them, and other `words` by topic."""

    def __init__(self, client: aiomqtt.Client, answer: Answer) -> None:
        self._client = client
        self.answer = answer
        self.envelopes: list[tuple[EnvelopeTopic, bytes]] = []
        self.samples: list[Sample] = []
        self.words: dict[str, bytes] = {}
        self._changed = asyncio.Condition()

    async def say(self, boot: str, *, store: Literal["up", "down"] = "up") -> None:
        """A presence."""
        presence = pack_presence(Presence(online=True, boot=boot, store=store))
        await self._client.publish(topics.presence("c1"), presence, qos=1, retain=True)

    async def until(self, true: Callable[[], bool]) -> None:
        """Until that has become true by what came."""
        async with asyncio.timeout(WITHIN), self._changed:
            await self._changed.wait_for(true)

    async def until_samples(self, number: int) -> None:
        """Until so many samples have come, each counted once."""
        await self.until(lambda: len({(s.device, s.at) for s in self.samples}) >= number)

    async def reply(self, topic: EnvelopeTopic, payload: bytes, outcome: Outcome) -> None:
        """Send a receipt for an envelope."""
        answer = Receipt(topic.stream, topic.seq, checksum(payload), outcome, "as the test says")
        message = receipt.pack(topic.stream, [answer])
        await self._client.publish(topics.receipts(topic.agent), message)

    async def listen(self) -> None:
        """Take what comes, for ever."""
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            async with self._changed:
                await self._take(str(message.topic), message.payload)
                self._changed.notify_all()

    async def _take(self, topic: str, payload: bytes) -> None:
        parsed = parse_up(topic)
        if not isinstance(parsed, EnvelopeTopic):
            self.words[topic] = payload
            return
        self.envelopes.append((parsed, payload))
        self.samples += unpack(payload).samples
        outcome = self.answer(parsed)
        if outcome is not None:
            await self.reply(parsed, payload, outcome)


@contextlib.asynccontextmanager
async def receiver(
    port: int, *, boot: str = "b1", answer: Answer = store_all
) -> AsyncIterator[Receiver]:
    """A receiver that is online."""
    async with aiomqtt.Client("127.0.0.1", port, identifier="c1") as client:
        heard = Receiver(client, answer)
        await client.subscribe(topics.ALL_UP, qos=1)
        listening = asyncio.create_task(heard.listen())
        try:
            await heard.say(boot)
            yield heard
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening
