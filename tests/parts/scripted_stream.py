"""A stream of bytes without a wire: a device is a function, and its bytes come as they are told to.

`Delivery` is how a reply's bytes come: together, one by one, in pieces, or slowly. A reply is told
as pieces of (seconds to wait, bytes).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown
from edge_agent.bus.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Device = Callable[[bytes], Iterable[bytes]]
    Delivery = Callable[[bytes], list[tuple[float, bytes]]]


def together(data: bytes) -> list[tuple[float, bytes]]:
    """As one piece."""
    return [(0.0, data)]


def one_by_one(data: bytes) -> list[tuple[float, bytes]]:
    """Each byte is a piece."""
    return [(0.0, data[index : index + 1]) for index in range(len(data))]


def in_pieces(data: bytes) -> list[tuple[float, bytes]]:
    """Three bytes at a time."""
    return [(0.0, data[index : index + 3]) for index in range(0, len(data), 3)]


def slowly(data: bytes) -> list[tuple[float, bytes]]:
    """A byte each millisecond."""
    return [(0.001, data[index : index + 1]) for index in range(len(data))]


DELIVERIES = (together, one_by_one, in_pieces, slowly)


class ScriptedStream:
    """A port with a device behind it, which is asked what to say to each request."""

    def __init__(self, device: Device, delivery: Delivery = together) -> None:
        self.is_open = False
        self.heard_at = 0.0
        self.requests: list[bytes] = []
        self._device = device
        self._delivery = delivery
        self._inbox = Inbox()
        self._speaking: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin anew."""
        self._inbox = Inbox()
        self.is_open = True

    def close(self) -> None:
        """Let nothing more come."""
        self.is_open = False
        self._inbox.close("not open")
        for task in self._speaking:
            task.cancel()

    def write(self, data: bytes) -> None:
        """Let the device answer."""
        if not self.is_open:
            raise BusDown("not open")
        self.requests.append(data)
        self.say(*self._device(data))

    def say(self, *replies: bytes) -> None:
        """Let these bytes come."""
        task = asyncio.get_running_loop().create_task(self._say(replies))
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)

    async def _say(self, replies: tuple[bytes, ...]) -> None:
        for reply in replies:
            for wait, piece in self._delivery(reply):
                await asyncio.sleep(wait)
                self.heard_at = asyncio.get_running_loop().time()
                self._inbox.put(piece)

    async def receive(self) -> bytes:
        """The next bytes."""
        return await self._inbox.receive()

    def pending(self) -> bytes:
        """What has come."""
        return self._inbox.take()

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """There is none."""
