"""A serial port on a pty, behind a link that stays while it is plugged out and in; a thread hears.

What is plugged in again has another name, as an adapter in another socket.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Plug:
    """The device's end of a line.

    Args:
        link: what a master opens.
        hear: takes what the master sends.
        idle: is called each time that nothing came for `every` seconds.
    """

    def __init__(
        self,
        link: Path,
        hear: Callable[[bytes], None],
        *,
        idle: Callable[[], None] = lambda: None,
        every: float | None = None,
    ) -> None:
        self.link = link
        self._hear = hear
        self._idle, self._every = idle, every
        self._ends: list[int] = []
        self._name = ""

    def plug_in(self) -> None:
        """Let the port appear."""
        self._far, near = self._elsewhere()
        tty.setraw(near)
        self._name = os.ttyname(near)
        self.link.symlink_to(self._name)
        stop, self._stop = os.pipe()
        self._ends = [self._far, near, stop, self._stop]
        self._thread = threading.Thread(target=self._serve, args=(stop,), daemon=True)
        self._thread.start()

    def pull_out(self) -> None:
        """Let it vanish, as a USB adapter does."""
        os.write(self._stop, b"x")
        self._thread.join()
        self.link.unlink()
        for descriptor in self._ends:
            os.close(descriptor)

    def _elsewhere(self) -> tuple[int, int]:
        """A port with another name than the last."""
        far, near = os.openpty()
        if os.ttyname(near) != self._name:
            return far, near
        found = os.openpty()
        os.close(far)
        os.close(near)
        return found

    def say(self, data: bytes) -> None:
        """Let the master hear it."""
        os.write(self._far, data)

    def _serve(self, stop: int) -> None:
        while True:
            readable, _, _ = select.select([self._far, stop], [], [], self._every)
            if stop in readable:
                return
            if readable:
                self._hear(os.read(self._far, 4096))
            else:
                self._idle()


@contextlib.contextmanager
def plugged_in(plug: Plug) -> Iterator[Plug]:
    """A port that is there, and gone afterwards."""
    plug.plug_in()
    try:
        yield plug
    finally:
        if plug.link.is_symlink():
            plug.pull_out()


@contextlib.contextmanager
def answering_at(link: Path, answer: Callable[[bytes], bytes]) -> Iterator[Plug]:
    """A device that says `answer(heard)`."""

    def hear(data: bytes) -> None:
        if said := answer(data):
            plug.say(said)

    plug = Plug(link, hear)
    with plugged_in(plug):
        yield plug


@contextlib.contextmanager
def speaking_at(link: Path, said: bytes, *, every: float) -> Iterator[Plug]:
    """A device that says the same every so many seconds."""
    plug = Plug(link, lambda _: None, idle=lambda: plug.say(said), every=every)
    with plugged_in(plug):
        yield plug
