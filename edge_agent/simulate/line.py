"""Simulated devices that do not speak Modbus, on a serial line: those that are asked, and talkers.

A pty carries bytes at once; with a baud rate given, an answer comes when the last of its bits would
have: after the request's characters, the device's delay and its own characters.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from typing import TYPE_CHECKING

from edge_agent.simulate.pty import attended, port_at
from edge_agent.simulate.uart import heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from edge_agent.simulate.pty import Port
    from edge_agent.simulate.scenario import SerialBus
    from edge_agent.simulate.speaker import Speaker


@contextlib.asynccontextmanager
async def serve_line(
    bus: SerialBus, speakers: Sequence[Speaker], clock: Callable[[], float]
) -> AsyncIterator[str]:
    """Answer and talk on a pty; gives the link by which an agent opens it.

    Raises:
        BusUnavailable: if the link cannot be made.
    """
    with port_at(bus.link) as port:
        line = _Line(bus, speakers, clock, port)
        talks = [line.talk(each, each.every) for each in speakers if each.every is not None]
        async with attended(port, line.on_bytes, line.answer(), *talks):
            yield str(bus.link)


class _Line:
    """The devices' end of the line."""

    def __init__(
        self, bus: SerialBus, speakers: Sequence[Speaker], clock: Callable[[], float], port: Port
    ) -> None:
        self._baud = bus.baud
        self._character = 0.0 if bus.wire is None else bus.wire.character
        self._speakers = speakers
        self._clock = clock
        self._port = port
        self._heard: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()

    def on_bytes(self) -> None:
        """Take what has come."""
        data, speed = self._port.read(), self._port.speed
        come = heard(data, sent=speed, at=self._baud or speed)
        self._heard.put_nowait((come, self._clock()))

    async def answer(self) -> None:
        """Answer one request after the other, as one line does."""
        while True:
            data, come = await self._heard.get()
            for speaker in self._speakers:
                reply = speaker.reply(data, self._clock())
                if reply:
                    on_wire = (len(data) + len(reply)) * self._character
                    await asyncio.sleep(come + speaker.lapses.delay + on_wire - self._clock())
                    self._port.say(reply, self._baud)

    async def talk(self, speaker: Speaker, every: float) -> None:
        """Let a device speak by itself, in step with the simulation's clock."""
        for turn in count(1):
            await asyncio.sleep(turn * every - self._clock())
            self._port.say(speaker.speech(self._clock()), self._baud)
