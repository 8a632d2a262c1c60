"""What a port or connection has brought and nobody has taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown

if TYPE_CHECKING:
    from edge_agent.bus.failures import Reason

KEPT = 4096
"""Bytes kept while nobody takes any, the latest: a line may babble for hours between two polls."""


class Inbox:
    """Filled by the event loop's callbacks, emptied by the one task that owns the port."""

    def __init__(self) -> None:
        self.broken: Reason | None = None
        """Why nothing more will come."""
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._waiting: asyncio.Future[None] | None = None

    def put(self, data: bytes) -> None:
        """Bytes have come, together."""
        self._pieces.append(data)
        self._size += len(data)
        while self._size > KEPT and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
        self._wake()

    def close(self, reason: Reason) -> None:
        """No more will come."""
        self.broken = self.broken or reason
        self._wake()

    def take(self) -> bytes:
        """All that there is."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return data

    async def receive(self) -> bytes:
        """All that there is, once there is something.

        Raises:
            BusDown: if nothing is left and no more will come.
        """
        await self._filled()
        return self.take()

    async def receive_one(self) -> bytes:
        """The oldest piece: what came together, such as a datagram.

        Raises:
            BusDown: if nothing is left and no more will come.
        """
        await self._filled()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        return piece

    async def _filled(self) -> None:
        while not self._pieces:
            if self.broken is not None:
                raise BusDown(self.broken)
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
