"""The agent's end of a simulated serial line, byte by byte."""

from __future__ import annotations

import asyncio
import os
import termios


class Port:
    """The agent's end, opened by its link."""

    def __init__(self, place: str) -> None:
        self._port = os.open(place, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def set_speed(self, speed: int) -> None:
        """Set the baud rate, by what the C library calls it."""
        settings = termios.tcgetattr(self._port)
        settings[4:6] = [speed, speed]
        termios.tcsetattr(self._port, termios.TCSANOW, settings)

    def write(self, data: bytes) -> None:
        """Send what the pty takes of it."""
        os.write(self._port, data)

    async def read(self, count: int) -> bytes:
        """So many bytes, however they come."""
        data = b""
        async with asyncio.timeout(20):
            while len(data) < count:
                await self._readable()
                data += os.read(self._port, count - len(data))
        return data

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._port, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._port)

    def close(self) -> None:
        """Let go of the line."""
        os.close(self._port)
