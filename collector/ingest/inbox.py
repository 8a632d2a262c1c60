"""Messages on their way from the MQTT thread to the event loop: bounded, dropped when full.

An envelope that finds no room is dropped and counted: without a receipt its agent sends it again.
Announcements are retained and nobody repeats them, so of each the latest is always kept.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import NamedTuple


class Message(NamedTuple):
    """What came, and when (ms since the epoch)."""

    topic: str
    payload: bytes
    at: int


class Inbox:
    """One thread puts, one task takes.

    Args:
        loop: the taker's event loop.
        room: bytes of envelopes that may wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, room: int) -> None:
        self._loop = loop
        self._room = room
        self._lock = threading.Lock()
        self._envelopes: deque[Message] = deque()
        self._announcements: dict[str, Message] = {}
        self._bytes = 0
        self._woken = False
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, message: Message) -> None:
        """Hand a message over, or drop it; never blocks, from any thread."""
        with self._lock:
            if message.topic.endswith(("/up/status", "/up/about")):
                self._announcements[message.topic] = message
            elif self._bytes + len(message.payload) > self._room:
                self.dropped += 1
                return
            else:
                self._envelopes.append(message)
                self._bytes += len(message.payload)
            wake, self._woken = not self._woken, True
        if wake:
            self._loop.call_soon_threadsafe(self._filled.set)

    async def take(self, most: int) -> list[Message]:
        """What waits, announcements first: at least one message, then up to `most` bytes."""
        while True:
            await self._filled.wait()
            with self._lock:
                taken = self._take(most)
                if not self._envelopes:
                    self._woken = False
                    self._filled.clear()
            if taken:
                return taken

    def _take(self, most: int) -> list[Message]:
        taken = list(self._announcements.values())
        self._announcements.clear()
        size = 0
        while self._envelopes and (not taken or size + len(self._envelopes[0].payload) <= most):
            message = self._envelopes.popleft()
            size += len(message.payload)
            taken.append(message)
        self._bytes -= size
        return taken
