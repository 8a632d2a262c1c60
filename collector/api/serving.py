"""uvicorn inside our event loop: our socket, our signals, our log."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from collector.failures import CannotStart

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI

    from collector.config import Api

GRACE = 3
"""Seconds that requests get to end when the collector stops."""


class ApiCannotListen(CannotStart):
    """The API's address cannot be bound; the message says why."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the collector, which stops its parts in order."""
        yield


class ApiServer:
    """The API on its address; bound at construction, so that a port in use is told at once.

    Raises:
        ApiCannotListen: if the address cannot be bound.
    """

    def __init__(self, app: FastAPI, settings: Api) -> None:
        self._socket = _bind(settings)
        tls = settings.tls
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                ssl_certfile=str(tls.certificate) if tls else None,
                ssl_keyfile=str(tls.key) if tls else None,
            )
        )

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no more requests; those that run get `GRACE` seconds."""
        self._server.should_exit = True


def _bind(settings: Api) -> socket.socket:
    host, port = settings.listen
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=100)
    except OSError as error:
        raise ApiCannotListen(f"api.listen {settings.listen}: {error.strerror}") from error
