"""A TCP connection as a stream of bytes, with TLS or without."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown
from edge_agent.bus.inbox import Inbox
from edge_agent.bus.settings import TlsBus
from telemetry.language import Phrase

if TYPE_CHECKING:
    from edge_agent.bus.failures import Reason
    from edge_agent.bus.settings import RtuOverTcpBus, SerialOverTcpBus, TcpBus

BROKEN = "the connection broke"

TOO_LATE = Phrase(
    en="no connection within {limit:g} s", vi="không kết nối được trong {limit:g} giây"
)
UNTRUSTED = Phrase(
    en="its certificate is not trusted: {reason}", vi="chứng thư không được tin cậy: {reason}"
)
UNNAMED = Phrase(
    en="its name cannot be resolved: {reason}", vi="không phân giải được tên: {reason}"
)
REASONS = {
    errno.ECONNREFUSED: Phrase(
        en="connection refused: nothing listens at that port",
        vi="bị từ chối kết nối: không có gì lắng nghe ở cổng đó",
    ),
    errno.EHOSTUNREACH: Phrase(
        en="no route to host: address, cable, power?",
        vi="không có đường tới máy: địa chỉ, cáp, nguồn?",
    ),
    errno.ENETUNREACH: Phrase(
        en="network is unreachable: cable, own address?",
        vi="không tới được mạng: cáp, địa chỉ của gateway?",
    ),
}
"""Why there is no connection, by the system's error (asyncio tells its number, and no words)."""


class TcpStream:
    """One connection; `is_open` and so on as a `ByteStream` has them."""

    def __init__(self, bus: TcpBus | TlsBus | RtuOverTcpBus | SerialOverTcpBus) -> None:
        self._bus = bus
        self._connection: _Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._connection is not None and self._connection.inbox.broken is None

    @property
    def heard_at(self) -> float:
        """When the last byte came."""
        return self._connection.heard_at if self._connection else 0.0

    async def open(self) -> None:
        """Connect anew.

        Raises:
            BusDown: if that fails.
        """
        self.close()
        bus = self._bus
        try:
            security, name = _security(bus) if isinstance(bus, TlsBus) else (None, None)
            async with asyncio.timeout(bus.connect_timeout):
                _, self._connection = await asyncio.get_running_loop().create_connection(
                    _Connection, bus.host, bus.port, ssl=security, server_hostname=name
                )
        except TimeoutError as error:
            raise BusDown(partial(TOO_LATE, limit=bus.connect_timeout)) from error
        except (OSError, ValueError) as error:
            raise BusDown(reason(error)) from error

    def close(self) -> None:
        """Let it go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(self, data: bytes) -> None:
        """Send.

        Raises:
            BusDown: if there is no connection.
        """
        if self._connection is None or self._connection.inbox.broken is not None:
            raise BusDown(BROKEN if self._connection else "not open")
        self._connection.transport.write(data)

    async def receive(self) -> bytes:
        """The next bytes.

        Raises:
            BusDown: as soon as the connection breaks.
        """
        if self._connection is None:
            raise BusDown("not open")
        return await self._connection.inbox.receive()

    def pending(self) -> bytes:
        """What has come already."""
        return self._connection.inbox.take() if self._connection else b""

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """Nothing: a serial server's line is set at the server."""


def _security(bus: TlsBus) -> tuple[ssl.SSLContext, str]:
    """Speaks with who has a certificate of this authority and that name.

    The files are read for each connection: certificates are renewed while agents run.
    """
    context = ssl.create_default_context(cafile=bus.tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bus.tls.certificate is not None:
        context.load_cert_chain(bus.tls.certificate, bus.tls.key)
    return context, bus.server_name or bus.host


def reason(error: Exception) -> Reason:
    """Why there is no connection."""
    match error:
        case ssl.SSLCertVerificationError():
            return partial(UNTRUSTED, reason=error.verify_message)
        case socket.gaierror():
            return partial(UNNAMED, reason=error.strerror)
        case ssl.SSLError():
            return str(error.strerror or error)
        case OSError(errno=int(number)):
            return REASONS.get(number, os.strerror(number))
    return str(error)


class _Connection(asyncio.Protocol):
    """What the event loop calls."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a Protocol is given
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        self.inbox.put(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self.inbox.close(BROKEN)

    def close(self) -> None:
        self.inbox.close("not open")
        self.transport.abort()
