"""Datagrams to and from one address: a frame is a datagram, and nothing is put together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown
from edge_agent.bus.inbox import Inbox
from edge_agent.bus.tcp import reason

if TYPE_CHECKING:
    from edge_agent.bus.settings import UdpBus


class UdpStream:
    """One address; `is_open` and so on as a `ByteStream` has them."""

    def __init__(self, bus: UdpBus) -> None:
        self._bus = bus
        self._endpoint: _Endpoint | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._endpoint is not None and self._endpoint.inbox.broken is None

    @property
    def heard_at(self) -> float:
        """When the last datagram came."""
        return self._endpoint.heard_at if self._endpoint else 0.0

    async def open(self) -> None:
        """Find the address; whether anybody is there shows when it is asked.

        Raises:
            BusDown: if there is no such address.
        """
        self.close()
        bus = self._bus
        try:
            async with asyncio.timeout(bus.connect_timeout):
                _, self._endpoint = await asyncio.get_running_loop().create_datagram_endpoint(
                    _Endpoint, remote_addr=(bus.host, bus.port)
                )
        except TimeoutError as error:
            raise BusDown(f"no address within {bus.connect_timeout:g} s") from error
        except (OSError, ValueError) as error:
            raise BusDown(reason(error)) from error

    def close(self) -> None:
        """Let it go."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def write(self, data: bytes) -> None:
        """Send a datagram.

        Raises:
            BusDown: if it is not open.
        """
        if self._endpoint is None:
            raise BusDown("not open")
        if (broken := self._endpoint.inbox.broken) is not None:
            raise BusDown(broken)
        self._endpoint.transport.sendto(data)

    async def receive(self) -> bytes:
        """The next datagram.

        Raises:
            BusDown: if the address says that nobody listens there.
        """
        if self._endpoint is None:
            raise BusDown("not open")
        return await self._endpoint.inbox.receive_one()

    def pending(self) -> bytes:
        """The datagrams that have come already, one behind the other."""
        return self._endpoint.inbox.take() if self._endpoint else b""

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """Nothing: there is no line."""


class _Endpoint(asyncio.DatagramProtocol):
    """What the event loop calls."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self.inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's name
        self.heard_at = self._loop.time()
        self.inbox.put(data)

    def error_received(self, exc: Exception) -> None:
        self.inbox.close(reason(exc))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self.inbox.close("not open")

    def close(self) -> None:
        self.inbox.close("not open")
        self.transport.abort()
