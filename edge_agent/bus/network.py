"""Asking over a network, where a transaction's number tells which request an answer is to.

What has another number is dropped: it is late, came twice, or is another's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BadReply, BusDown, NoReply
from edge_agent.bus.frames import OutOfStep, TcpFrames

if TYPE_CHECKING:
    from edge_agent.bus.frames import Frame
    from edge_agent.bus.pdu import Ask
    from edge_agent.bus.stream import ByteStream

PATIENCE = 4
"""Missing replies in a row after which a connection counts as half open, and is renewed."""

REMEMBERED = 64
"""Transactions of which a reply is known to be late, and so no sign of a stream out of step."""


class NetworkTalk:
    """One connection, or one address that gets datagrams."""

    def __init__(self, stream: ByteStream, *, datagrams: bool) -> None:
        self.late_replies = 0
        self._stream = stream
        self._frames = TcpFrames()
        self._datagrams = datagrams
        self._transaction = 0
        self._missed: deque[int] = deque(maxlen=REMEMBERED)
        self._unanswered = 0
        self._asked_at = 0.0
        self._pause = 0.0
        self._heard = 0

    def begin(self) -> None:
        """It was opened."""
        self._frames.clear()
        self._unanswered = 0

    async def ask(self, unit: int, ask: Ask, *, start_within: float, pause: float) -> bytes:
        """The PDU that answers, be it a refusal.

        Raises:
            NoReply: if nothing came in time.
            BadReply: if something came that is no answer to this request; a connection is closed.
            BusDown: if the connection is gone.
        """
        await self._wait_for_the_unit()
        self._pause = pause
        self._transaction = self._transaction % 0xFFFF + 1
        self._missed.append(self._transaction)
        try:
            self._take_late(self._stream.pending())
            self._stream.write(self._frames.wrap(unit, ask.pdu, self._transaction))
            async with asyncio.timeout(start_within):
                frame = await self._answer()
        except TimeoutError as error:
            raise self._missing(start_within) from error
        except OutOfStep as error:
            raise self._refuse(str(error)) from error
        self._missed.pop()
        self._unanswered = 0
        if frame.unit != unit:
            raise self._refuse(f"unit {frame.unit} for {unit}")
        if not ask.fits(frame.pdu) and not ask.is_refused_by(frame.pdu):
            raise self._refuse(f"{frame.pdu[:4].hex(' ')} … for {ask.pdu.hex(' ')}")
        return frame.pdu

    async def _answer(self) -> Frame:
        self._heard = 0
        while True:
            data = await self._stream.receive()
            self._heard += len(data)
            for frame in self._fed(data):
                if frame.transaction == self._transaction:
                    return frame
                if self._is_late(frame):
                    self._heard = 0

    def _fed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now; a datagram that is none costs no more than itself."""
        if not self._datagrams:
            return self._frames.feed(data)
        self._frames.clear()
        with contextlib.suppress(OutOfStep):
            return self._frames.feed(data)
        return []

    def _take_late(self, data: bytes) -> None:
        for frame in self._fed(data) if data else ():
            self._is_late(frame)

    def _is_late(self, frame: Frame) -> bool:
        """Whether it answers a request that was given up; else it was never asked for, or twice."""
        if frame.transaction not in self._missed:
            return False
        self._missed.remove(frame.transaction)
        self.late_replies += 1
        return True

    def _missing(self, waited: float) -> NoReply | BadReply | BusDown:
        self._unanswered += 1
        if self._heard:
            return self._refuse(f"{self._heard} bytes that are no reply to this")
        if self._unanswered >= PATIENCE:
            self._stream.close()
        return NoReply(f"nothing within {waited:g} s")

    def _refuse(self, why: str) -> BadReply:
        """A connection that is out of step is no use; a datagram stands for itself."""
        if not self._datagrams:
            self._stream.close()
        return BadReply(why)

    async def _wait_for_the_unit(self) -> None:
        left = self._stream.heard_at + self._pause - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
