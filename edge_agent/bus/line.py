"""Asking on a serial line, where nothing but order and silence tells whose answer came.

      silence ──► request ──► first byte ──► whole frame ──► silence of t3.5, or what the unit needs
         ▲            │ none in time  │ not whole in time
         └─ drained ◄─┴───────────────┘   for as long as the answer may still come

Silence counts from when the last byte ended on the wire, ours or another's: see `hearing`. When our
own request has ended is reckoned, not asked of the driver: tcdrain returns when the adapter has the
bytes, not when they are out.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BadReply, BusDown, NoReply
from edge_agent.bus.network import PATIENCE
from edge_agent.bus.owed import Owed, is_refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.bus.frames import AsciiFrames, Frame, RtuFrames
    from edge_agent.bus.owed import Debt
    from edge_agent.bus.pdu import Ask
    from edge_agent.bus.stream import ByteStream
    from edge_agent.bus.wire import Wire

HELD_BACK_BY_ADAPTER = 0.03
"""Seconds that a USB adapter may hold a reply back (FTDI's latency timer is 16 ms), both ways."""

HELD_BACK_BY_NETWORK = 0.2
"""Seconds that a serial server may take to collect a reply, and the network to bring it."""

BUFFERED = 64
"""Characters that an adapter or UART may collect before it tells of the first."""

DRAIN_MAX = 5.0
"""Seconds after which a line that never falls silent is closed and opened again."""

STUBBORN = 2
"""Requests in a row without an answer after which a device is not asked for more than is wanted: it
may be silent to that.
"""

COARSE = 0.001
"""Seconds that the event loop may be late (epoll counts in milliseconds); the rest is slept."""


@dataclass(frozen=True, slots=True)
class _Waits:
    """Seconds: for a reply to begin; of silence after one that is missing, and after one."""

    start_within: float
    quiet: float
    pause: float


class LineTalk:
    """One line. Only one task may use it, and asks one thing at a time."""

    def __init__(
        self,
        stream: ByteStream,
        frames: RtuFrames | AsciiFrames,
        wire: Wire,
        *,
        over_network: bool = False,
    ) -> None:
        self.late_replies = 0
        self._over_network = over_network
        self._held_back = HELD_BACK_BY_NETWORK if over_network else HELD_BACK_BY_ADAPTER
        self._stream = stream
        self._frames = frames
        self._wire = wire
        self._owed = Owed()
        self._silence = wire.silence
        self._busy_until = 0.0
        self._heard = 0
        self._other: Frame | None = None
        self._refusal: bytes | None = None
        self._unanswered = 0

    def begin(self) -> None:
        """The port was opened."""
        self._unanswered = 0
        self._frames.clear()
        self._silence = self._wire.silence

    async def ask(  # noqa: PLR0913 - these are what a request consists of
        self,
        unit: int,
        ask: Ask,
        *,
        wider: Sequence[Ask],
        otherwise: Sequence[Ask],
        start_within: float,
        late_within: float,
        pause: float,
    ) -> bytes:
        """The PDU that answers, be it a refusal.

        Args:
            unit: whom.
            ask: what.
            wider: what brings it too; the answer may be one to any of these.
            otherwise: what can be asked in between.
            start_within: seconds until the answer must begin.
            late_within: seconds in which it may begin after all.
            pause: seconds of silence that the unit needs afterwards.

        Raises:
            NoReply: if nothing came in time.
            BadReply: if something came that is no answer to this request.
            BusDown: if the port is gone, or is never silent.
        """
        quiet = max(start_within, late_within, 2 * self._wire.silence)
        waits = _Waits(start_within, quiet, max(self._wire.silence, pause))
        await self._wait_for_silence()
        now = asyncio.get_running_loop().time()
        shapes = self._owed.shapes(unit, now)
        if ask.shape not in shapes:
            return await self._exchange(unit, ask, waits)
        more = next((each for each in wider if each.shape not in shapes), None)
        if more is not None and len(self._owed.waiting(unit)) < STUBBORN:
            reply = await self._exchange(unit, more, waits, settles=True)
            if not is_refusal(reply):
                return reply
        if ask.shape in self._owed.waiting(unit):
            other = next((each for each in otherwise if each.shape not in shapes), otherwise[-1])
            await self._exchange(unit, other, waits, settles=True)
        self._owed.forget(unit, ask.shape, now)
        return await self._exchange(unit, ask, waits)

    async def _exchange(
        self, unit: int, ask: Ask, waits: _Waits, *, settles: bool = False
    ) -> bytes:
        """`settles`: a refusal of an older request will do, for it settles that."""
        await self._wait_for_silence()
        now = asyncio.get_running_loop().time()
        frame = self._frames.wrap(unit, ask.pdu)
        self._stream.write(frame)
        self._busy_until = now + len(frame) * self._wire.character
        self._silence = waits.quiet
        debt = self._owed.asked(unit, ask, now)
        try:
            reply = await self._answer(unit, debt, waits.start_within, settles=settles)
        except TimeoutError as error:
            if self._refusal is None:
                raise self._missed(waits.start_within) from error
            reply = self._refusal  # nothing else came: an older request's answer was lost
        self._silence = waits.pause
        self._unanswered = 0
        return reply

    async def _answer(self, unit: int, debt: Debt, start_within: float, *, settles: bool) -> bytes:
        loop = asyncio.get_running_loop()
        whole = self._frames.size(debt.ask.size) * self._wire.character
        begun = self._busy_until + start_within + self._held_back
        self._heard, self._other, self._refusal = 0, None, None
        async with asyncio.timeout_at(
            begun + min(whole, BUFFERED * self._wire.character)
        ) as deadline:
            while True:
                data = await self._stream.receive()
                if not self._heard:
                    deadline.reschedule(max(begun + whole, loop.time()))
                self._heard += len(data)
                for frame in self._frames.feed(data):
                    answered = self._owed.came(frame.unit, frame.pdu)
                    if answered is debt:
                        return frame.pdu
                    self.late_replies += answered is not None
                    self._other = frame
                    if frame.unit == unit and debt.ask.is_refused_by(frame.pdu):
                        self._refusal = frame.pdu
                        if settles:
                            return frame.pdu

    def _missed(self, waited: float) -> NoReply | BadReply:
        """What a deadline that passed means; its answer must not meet the next request."""
        self._busy_until = asyncio.get_running_loop().time()
        self._heard += self._drain()
        self._unanswered += 1
        if self._over_network and self._unanswered >= PATIENCE:
            self._stream.close()
        if not self._heard:
            return NoReply(f"nothing within {waited:g} s")
        what = f"{self._heard} bytes that are no reply to this"
        if self._other:
            what += f", such as unit {self._other.unit}'s {self._other.pdu[:4].hex(' ')} …"
        return BadReply(what)

    async def _wait_for_silence(self) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._silence + DRAIN_MAX
        heard = 0
        while True:
            heard += self._drain()
            last = max(self._stream.heard_at, self._busy_until)
            if (left := last + self._silence - loop.time()) <= 0:
                break
            if loop.time() > give_up:
                self._stream.close()
                raise BusDown(f"the line is never silent: {heard} bytes")
            await _pause(left)
        self.late_replies += heard > 0
        self._frames.clear()

    def _drain(self) -> int:
        """Bytes that came unasked; a late reply among them settles what it answers."""
        data = self._stream.pending()
        for frame in self._frames.feed(data):
            self._owed.came(frame.unit, frame.pdu)
        return len(data)


async def _pause(seconds: float) -> None:
    """To within a tenth of a millisecond, without keeping the processor busy.

    The event loop alone would be up to 1 ms late, half of t3.5; so it sleeps the last of it.
    """
    if seconds > COARSE:
        await asyncio.sleep(seconds - COARSE)
    else:
        time.sleep(seconds)  # noqa: ASYNC251 - less than the loop's own grain
