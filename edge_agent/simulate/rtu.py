"""Simulated slaves on a serial line: frames in and out of a pty, at the pace of a wire.

A pty carries bytes at once; with a baud rate given, a reply comes when the last of its bits would
have: after the request's characters, t3.5 of silence, the device's delay and its own characters.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from edge_agent.simulate.frames import RTU_AROUND, RtuSplitter, rtu
from edge_agent.simulate.pty import attended, port_at
from edge_agent.simulate.uart import heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from edge_agent.simulate.frames import Request
    from edge_agent.simulate.pty import Port
    from edge_agent.simulate.scenario import RtuBus
    from edge_agent.simulate.unit import Unit

LULL = 0.02
"""Seconds without a byte that end a transmission; t3.5, but for the scheduler's own pauses."""


@contextlib.asynccontextmanager
async def serve_rtu(
    bus: RtuBus, units: Mapping[int, Unit], clock: Callable[[], float]
) -> AsyncIterator[str]:
    """Answer on a pty; gives the link by which an agent opens it.

    Raises:
        BusUnavailable: if the link cannot be made.
    """
    with port_at(bus.link) as port:
        line = _Line(bus, units, clock, port)
        async with attended(port, line.on_bytes, line.answer()):
            yield str(bus.link)


class _Line:
    """The slaves' end of the line."""

    def __init__(
        self, bus: RtuBus, units: Mapping[int, Unit], clock: Callable[[], float], port: Port
    ) -> None:
        self._bus = bus
        self._units = units
        self._clock = clock
        self._port = port
        self._speeds = {device.unit: device.baud or bus.baud for device in bus.devices}
        # One a speed; None hears at any.
        self._ears = {speed: RtuSplitter() for speed in {None, *self._speeds.values()}}
        self._requests: asyncio.Queue[tuple[Request, float]] = asyncio.Queue()
        self._lull: asyncio.TimerHandle | None = None

    def on_bytes(self) -> None:
        """Take what has come."""
        data, speed = self._port.read(), self._port.speed
        for own, ear in self._ears.items():
            self._take(own, ear.feed(heard(data, sent=speed, at=own or speed)))
        if self._lull is not None:
            self._lull.cancel()
        self._lull = asyncio.get_running_loop().call_later(LULL, self._on_lull)

    async def answer(self) -> None:
        """Answer one request after the other, as one line does; other units' are not ours."""
        while True:
            request, come = await self._requests.get()
            unit = self._units[request.unit]
            pdu = unit.reply(request.pdu, self._clock())
            if pdu is None:
                continue
            reply = rtu(request.unit, pdu)
            ready = come + unit.delay + self._wire_time(request, reply)
            await asyncio.sleep(ready - self._clock())
            self._port.say(reply, self._speeds.get(request.unit))

    def _on_lull(self) -> None:
        for own, ear in self._ears.items():
            self._take(own, ear.silence())

    def _take(self, own: int | None, requests: Iterable[Request]) -> None:
        for request in requests:
            if request.unit in self._units and self._speeds.get(request.unit) == own:
                self._requests.put_nowait((request, self._clock()))

    def _wire_time(self, request: Request, reply: bytes) -> float:
        """Seconds from the first bit of a request to the last of its reply."""
        wire = self._bus.wire(self._speeds.get(request.unit))
        if wire is None:
            return 0.0
        return (len(request.pdu) + RTU_AROUND + len(reply)) * wire.character + wire.silence
