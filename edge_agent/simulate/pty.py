"""A pseudo serial port: our end of a pty, whose other end an agent opens by a stable link.

Our own descriptor of that other end keeps the pty from hanging up when the agent lets go.
The pty also tells which speed the agent set; a device of another speed hears garbage, and so does
the agent when it changes its speed before the reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.simulate.tcp import BusUnavailable
from edge_agent.simulate.uart import heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Port:
    """The devices' end of the line, by its descriptor."""

    descriptor: int

    @property
    def speed(self) -> int:
        """The baud rate that the agent has set, which a pty shows at both ends; 0 if unknown."""
        return SPEEDS.get(termios.tcgetattr(self.descriptor)[OUTPUT_SPEED], 0)

    def read(self) -> bytes:
        """What has come."""
        return os.read(self.descriptor, CHUNK)

    def say(self, data: bytes, own: int | None) -> None:
        """Send at a speed of one's `own`, or at whatever the agent has set."""
        speed = self.speed
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self.descriptor, heard(data, sent=own or speed, at=speed))


@contextlib.contextmanager
def port_at(link: Path) -> Iterator[Port]:
    """A port that an agent opens by `link`.

    Raises:
        BusUnavailable: if the link cannot be made.
    """
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        with _link(link, os.ttyname(theirs)):
            yield Port(ours)
    finally:
        os.close(ours)
        os.close(theirs)


@contextlib.asynccontextmanager
async def attended(
    port: Port, on_bytes: Callable[[], None], *works: Coroutine[None, None, None]
) -> AsyncIterator[None]:
    """Have what comes taken, and these works done, for a while."""
    loop = asyncio.get_running_loop()
    loop.add_reader(port.descriptor, on_bytes)
    others: BusUnavailable | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(work) for work in works]
            try:
                yield
            except BusUnavailable as error:  # of another bus; a group would hide it
                others = error
            for task in begun:
                task.cancel()
    finally:
        loop.remove_reader(port.descriptor)
    if others is not None:
        raise others


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
