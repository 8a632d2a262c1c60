"""Simulated devices behind a TCP port, as behind a gateway: one port, many units."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from edge_agent.simulate.frames import MbapSplitter, NotModbus, mbap
from edge_agent.simulate.slave import Refusal, refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from edge_agent.simulate.frames import Request
    from edge_agent.simulate.scenario import TcpBus
    from edge_agent.simulate.unit import Unit

CHUNK = 4096
"""Bytes taken from a connection at once; no request is longer than 260."""


class BusUnavailable(Exception):
    """The port or link cannot be had; the message says which, and why."""


@contextlib.asynccontextmanager
async def serve_tcp(
    bus: TcpBus, units: Mapping[int, Unit], clock: Callable[[], float]
) -> AsyncIterator[str]:
    """Answer on the bus's port; gives `host:port`, where to connect to.

    Raises:
        BusUnavailable: if the port is taken.
    """
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        connections.add(task)
        try:
            # a connection that is cut at the end is no error to asyncio's own callback
            with contextlib.suppress(asyncio.CancelledError):
                await _converse(reader, writer, units, clock)
        finally:
            connections.discard(task)
            writer.close()

    try:
        server = await asyncio.start_server(serve, bus.host, bus.port)
    except OSError as error:
        raise BusUnavailable(f"{bus.host}:{bus.port}: {error.strerror}") from error
    try:
        host, port, *_ = server.sockets[0].getsockname()
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    units: Mapping[int, Unit],
    clock: Callable[[], float],
) -> None:
    """Answer until the client goes, or says what is not Modbus."""
    splitter = MbapSplitter()
    with contextlib.suppress(NotModbus, ConnectionError):
        while data := await reader.read(CHUNK):
            for request in splitter.feed(data):
                reply = await _reply(request, units, clock)
                if reply is not None:
                    writer.write(mbap(request, reply))
            await writer.drain()


async def _reply(
    request: Request, units: Mapping[int, Unit], clock: Callable[[], float]
) -> bytes | None:
    unit = units.get(request.unit)
    if unit is None:  # as a gateway says of a unit that it does not hear
        return refuse(request.pdu[0], Refusal.TARGET_SILENT)
    await asyncio.sleep(unit.delay)
    return unit.reply(request.pdu, clock())
