"""Instruments at the far end of a pty: one that answers, one that speaks by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

READ, START = bytes.fromhex("7e000300fc7e"), bytes.fromhex("7e0000020103f97e")
STANDS_STILL, STARTED = bytes.fromhex("7e00034300b97e"), bytes.fromhex("7e00000000ff7e")
NOTHING_NEW = bytes.fromhex("7e00030000fc7e")


@dataclass
class Sps30:
    """A Sensirion SPS30 that lost its power: it stands still until it is told to start.

    Attributes:
        frame: what it says when it has measured.
    """

    frame: bytes
    heard: list[bytes] = field(default_factory=list)
    _begun: bytes = b""
    _measurements: list[bytes] | None = None

    def answer(self, data: bytes) -> bytes:
        """What it says to these bytes; nothing until the request is whole."""
        self._begun += data
        if self._begun.count(b"\x7e") % 2:
            return b""
        request, self._begun = self._begun, b""
        self.heard.append(request)
        if request == START:
            self._measurements = [NOTHING_NEW]
            return STARTED
        if request != READ:
            return b""
        if self._measurements is None:
            return STANDS_STILL
        return self._measurements.pop() if self._measurements else self.frame


@contextlib.asynccontextmanager
async def answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[Path]:
    """The port of a device that says `answer(heard)`."""
    loop = asyncio.get_running_loop()
    with _pty() as (far, port):

        def heard() -> None:
            if said := answer(os.read(far, 4096)):
                os.write(far, said)

        loop.add_reader(far, heard)
        try:
            yield port
        finally:
            loop.remove_reader(far)


@contextlib.asynccontextmanager
async def speaking(said: bytes, *, every: float) -> AsyncIterator[Path]:
    """The port of a device that says the same every so many seconds, in two halves."""
    with _pty() as (far, port):
        speech = asyncio.create_task(_speak(far, said, every))
        try:
            yield port
        finally:
            speech.cancel()


async def _speak(far: int, said: bytes, every: float) -> None:
    half = len(said) // 2
    while True:
        for part in (said[half:], said[:half]):
            os.write(far, part)
            await asyncio.sleep(every / 2)


@contextlib.contextmanager
def _pty() -> Iterator[tuple[int, Path]]:
    far, near = os.openpty()
    tty.setraw(near)
    try:
        yield far, Path(os.ttyname(near))
    finally:
        os.close(far)
        os.close(near)
