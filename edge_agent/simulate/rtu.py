"""Simulated devices on a serial line: a pty whose other end an agent opens by a stable link.

Our own descriptor of that other end keeps the pty from hanging up when the agent lets go.
A pty carries bytes at once; with a baud rate given, a reply comes when the last of its bits would
have: after the request's characters, t3.5 of silence, the device's delay and its own characters.
The pty also tells which speed the agent set; a device of another speed hears garbage, and so does
the agent when it changes its speed before the reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from typing import TYPE_CHECKING

from edge_agent.simulate.frames import RTU_AROUND, RtuSplitter, rtu
from edge_agent.simulate.tcp import BusUnavailable
from edge_agent.simulate.uart import heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from edge_agent.simulate.frames import Request
    from edge_agent.simulate.scenario import RtuBus
    from edge_agent.simulate.unit import Unit

LULL = 0.02
"""Seconds without a byte that end a transmission; t3.5, but for the scheduler's own pauses."""

CHUNK = 4096
"""Bytes taken from the pty at once: all that it holds."""

SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit()
}
"""Baud rates, by what the C library calls them."""

OUTPUT_SPEED = 5
"""Where termios keeps it."""


@contextlib.asynccontextmanager
async def serve_rtu(
    bus: RtuBus, units: Mapping[int, Unit], clock: Callable[[], float]
) -> AsyncIterator[str]:
    """Answer on a pty; gives the link by which an agent opens it.

    Raises:
        BusUnavailable: if the link cannot be made.
    """
    with _pty() as (ours, theirs), _link(bus.link, os.ttyname(theirs)):
        line = _Line(bus, units, clock, ours)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, line.on_bytes)
        try:
            async with asyncio.TaskGroup() as tasks:
                answering = tasks.create_task(line.answer())
                yield str(bus.link)
                answering.cancel()
        finally:
            loop.remove_reader(ours)


@contextlib.contextmanager
def _pty() -> Iterator[tuple[int, int]]:
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def _link(link: Path, target: str) -> Iterator[None]:
    """A link to `target`, in place of an older one, for as long as it is ours."""
    if link.exists() and not link.is_symlink():
        raise BusUnavailable(f"{link}: is a file, not a link that could be replaced")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh.symlink_to(target)
        fresh.replace(link)
    except OSError as error:
        raise BusUnavailable(f"{link}: {error.filename}: {error.strerror}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if str(link.readlink()) == target:
                link.unlink()


class _Line:
    """The slaves' end of the line."""

    def __init__(
        self, bus: RtuBus, units: Mapping[int, Unit], clock: Callable[[], float], port: int
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
        data, speed = os.read(self._port, CHUNK), self._speed()
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
            self._say(reply, self._speeds.get(request.unit))

    def _say(self, reply: bytes, own: int | None) -> None:
        speed = self._speed()
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self._port, heard(reply, sent=own or speed, at=speed))

    def _on_lull(self) -> None:
        for own, ear in self._ears.items():
            self._take(own, ear.silence())

    def _take(self, own: int | None, requests: Iterable[Request]) -> None:
        for request in requests:
            if request.unit in self._units and self._speeds.get(request.unit) == own:
                self._requests.put_nowait((request, self._clock()))

    def _speed(self) -> int:
        """The baud rate that the agent has set, which a pty shows at both ends; 0 if unknown."""
        return SPEEDS.get(termios.tcgetattr(self._port)[OUTPUT_SPEED], 0)

    def _wire_time(self, request: Request, reply: bytes) -> float:
        """Seconds from the first bit of a request to the last of its reply."""
        wire = self._bus.wire(self._speeds.get(request.unit))
        if wire is None:
            return 0.0
        return (len(request.pdu) + RTU_AROUND + len(reply)) * wire.character + wire.silence
