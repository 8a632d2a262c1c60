"""Simulated devices on a serial line: a pty whose other end an agent opens by a stable link.

Our own descriptor of that other end keeps the pty from hanging up when the agent lets go.
A pty carries bytes at once; with a baud rate given, a reply comes when the last of its bits would
have: after the request's characters, t3.5 of silence, the device's delay and its own characters.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from typing import TYPE_CHECKING

from edge_agent.simulate.frames import RTU_AROUND, RtuSplitter, rtu
from edge_agent.simulate.tcp import BusUnavailable

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
        self._wire = bus.wire
        self._units = units
        self._clock = clock
        self._port = port
        self._splitter = RtuSplitter()
        self._requests: asyncio.Queue[tuple[Request, float]] = asyncio.Queue()
        self._lull: asyncio.TimerHandle | None = None

    def on_bytes(self) -> None:
        """Take what has come."""
        self._take(self._splitter.feed(os.read(self._port, CHUNK)))
        if self._lull is not None:
            self._lull.cancel()
        self._lull = asyncio.get_running_loop().call_later(LULL, self._on_lull)

    async def answer(self) -> None:
        """Answer one request after the other, as one line does; other units' are not ours."""
        while True:
            request, come = await self._requests.get()
            unit = self._units.get(request.unit)
            if unit is None:
                continue
            pdu = unit.reply(request.pdu, self._clock())
            if pdu is None:
                continue
            reply = rtu(request.unit, pdu)
            ready = come + unit.delay + self._wire_time(len(request.pdu) + RTU_AROUND, len(reply))
            await asyncio.sleep(ready - self._clock())
            with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
                os.write(self._port, reply)

    def _on_lull(self) -> None:
        self._take(self._splitter.silence())

    def _take(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self._requests.put_nowait((request, self._clock()))

    def _wire_time(self, request: int, reply: int) -> float:
        """Seconds from the first bit of a request to the last of its reply, both in bytes."""
        if self._wire is None:
            return 0.0
        return (request + reply) * self._wire.character + self._wire.silence
