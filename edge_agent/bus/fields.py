"""A port on which a protocol other than Modbus is spoken: it drives conversations over bytes.

    silence ─► Send ─► first byte within `start_within` ─► each further one too ─► Fields
                 ▲                        │
                 └────── another ─────────┘

What came before a question is dropped, or it would pass for the answer. A device that speaks by
itself is listened to: its next frame is the answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BadReply, BusDown, DeviceRefused, NoReply
from edge_agent.bus.stream import stream_for
from edge_agent.bus.wire import Wire
from edge_agent.protocols.conversation import Refused, Send

if TYPE_CHECKING:
    from edge_agent.bus.settings import SerialBus, SerialOverTcpBus
    from edge_agent.bus.stream import ByteStream
    from edge_agent.protocols.conversation import Conversation, Fields, Listen, Question

ADAPTER_MARGIN = 0.05
"""Seconds that an adapter or a serial server may hold bytes back, both ways."""

SLACK = 2.0
"""How many times its wire time an answer may take: devices pause between frames, and characters."""

DRAIN_MAX = 5.0
"""Seconds after which a line that never falls silent is asked all the same: some device speaks by
itself there, and frames carry checksums."""


class FieldLink:
    """One port. Only one task may use it, and asks one thing at a time.

    Args:
        bus: its settings.
        stream: its bytes; the bus's own, unless something else stands in for it.
    """

    def __init__(self, bus: SerialBus | SerialOverTcpBus, stream: ByteStream | None = None) -> None:
        self.late_replies = 0
        """Times that bytes came after their deadline, and were dropped."""
        self._bus = bus
        self._stream = stream or stream_for(bus)
        self._wire = bus.wire
        self._silent_from = 0.0
        self._missed = False

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        return self._stream.is_open

    async def open(self) -> None:
        """Open the port or connection anew.

        Raises:
            BusDown: if that fails, with the reason.
        """
        await self._stream.open()
        self._wire = self._bus.wire
        self._silent_from = 0.0
        self._missed = False

    def close(self) -> None:
        """Let the port go."""
        self._stream.close()

    async def ask(
        self,
        address: str,
        question: Question,
        *,
        start_within: float,
        late_within: float = 0.0,
        pause: float = 0.0,
    ) -> Fields:
        """What a device answers.

        Args:
            address: the device's, as its protocol spells it, for messages.
            question: what to ask of it.
            start_within: seconds for it to begin to answer, and between two bytes of an answer.
            late_within: seconds in which it may answer after all; the line is kept quiet for as
                long after a miss.
            pause: seconds of silence that it needs afterwards.

        Raises:
            NoReply: if nothing came in time.
            BadReply: if something came that is no answer to this question.
            DeviceRefused: if the device answered that it will not say.
            BusDown: if the port or connection is gone.
        """
        if not self._stream.is_open:
            raise BusDown("not open")
        await self._clear(question)
        try:
            fields = await self._converse(question.converse(), question, start_within)
        except Refused as refusal:
            self._keep_quiet(pause)
            raise DeviceRefused(str(refusal)) from refusal
        except (NoReply, BadReply) as failure:
            self._missed = True
            self._keep_quiet(max(start_within, late_within))
            at = f" at {address}" if address else ""
            raise type(failure)(f"{failure}{at}") from failure
        finally:
            self._restore_line()
        self._keep_quiet(pause)
        return fields

    async def _converse(
        self, conversation: Conversation, question: Question, start_within: float
    ) -> Fields:
        loop = asyncio.get_running_loop()
        slowest = self._wire.character
        most = max(question.receives, question.most)
        until = loop.time() + SLACK * (question.sends + most) * slowest
        heard = 0
        step: Send | Listen = next(conversation)
        while True:
            patience = start_within + ADAPTER_MARGIN
            if isinstance(step, Send):
                sent_within = await self._send(step)
                until += sent_within + patience
                patience += sent_within
            elif not heard:
                until += patience
            data = await self._hear(min(loop.time() + patience, until), heard, start_within)
            heard += len(data)
            try:
                step = conversation.send(data)
            except StopIteration as done:
                fields: Fields = done.value
                return fields

    async def _send(self, step: Send) -> float:
        """Send; seconds that the bytes still take to leave."""
        self._stream.write(step.data)
        leaves_within = len(step.data) * self._wire.character
        if step.baud is None:
            return leaves_within
        await asyncio.sleep(leaves_within)
        self._set_baud(step.baud)
        return 0.0

    async def _hear(self, until: float, heard: int, start_within: float) -> bytes:
        try:
            async with asyncio.timeout_at(until):
                return await self._stream.receive()
        except TimeoutError as error:
            if heard:
                raise BadReply(f"{heard} bytes that are no answer") from error
            raise NoReply(f"nothing within {start_within:g} s") from error

    async def _clear(self, question: Question) -> None:
        """Wait until the line is free, and drop what nobody asked for."""
        loop = asyncio.get_running_loop()
        dropped = len(self._stream.pending())
        give_up = loop.time() + DRAIN_MAX
        while question.sends and loop.time() < give_up:
            quiet_from = self._silent_from
            if self._missed and dropped:
                quiet_from = max(quiet_from, self._stream.heard_at + self._wire.silence)
            if (left := quiet_from - loop.time()) <= 0:
                break
            await asyncio.sleep(min(left, give_up - loop.time()))
            dropped += len(self._stream.pending())
        self.late_replies += self._missed and question.sends > 0 and dropped > 0
        self._missed = False

    def _keep_quiet(self, seconds: float) -> None:
        self._silent_from = asyncio.get_running_loop().time() + seconds

    def _set_baud(self, baud: int) -> None:
        bus = self._bus
        self._stream.set_line(baud, bus.parity, bus.data_bits, bus.stop_bits)
        self._wire = Wire(baud=baud, bits=bus.wire.bits)

    def _restore_line(self) -> None:
        if self._wire != self._bus.wire and self._stream.is_open:
            self._set_baud(self._bus.baud)
