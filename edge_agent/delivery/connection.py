"""An MQTT client as the uplink needs it: made anew for each connection, and closed in any case."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import TYPE_CHECKING

import aiomqtt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge_agent.delivery.settings import TlsSettings, UplinkSettings

_library_log = logging.getLogger(__name__ + ".library")
_library_log.setLevel(logging.CRITICAL)  # what it has to say of a lost connection, we say once

FAREWELL_WITHIN = 2.0
"""Seconds for the last word; the last will says the same where it fails."""


def new_client(
    settings: UplinkSettings, *, identifier: str, password: str | None, will: aiomqtt.Will | None
) -> aiomqtt.Client:
    """A client that is not connected yet; MQTT 3.1.1, with a clean session."""
    client = aiomqtt.Client(
        settings.host,
        settings.broker_port,
        identifier=identifier,
        username=settings.username,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        keepalive=round(settings.keepalive),
        will=will,
        max_inflight_messages=settings.window,
        tls_context=None if settings.tls is None else tls_context(settings.tls),
        logger=_library_log,
    )
    client.pending_calls_threshold = 2 * settings.window
    return client


@contextlib.asynccontextmanager
async def connected(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """`client`, connected; closed also where it is stopped half-way, which aiomqtt leaves open."""
    connecting = asyncio.create_task(client.__aenter__())
    try:
        await asyncio.shield(connecting)
    except BaseException:
        client.timeout = FAREWELL_WITHIN
        await asyncio.wait([connecting], timeout=FAREWELL_WITHIN)
        if connecting.cancel():
            client._client.on_disconnect = None  # noqa: SLF001 - it fails on what was cancelled
        with contextlib.suppress(aiomqtt.MqttError, asyncio.CancelledError):
            await connecting
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
        raise
    try:
        yield client
    finally:
        await client.__aexit__(None, None, None)


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Read anew at each connection, so that renewed certificates come into force by themselves.

    Raises:
        OSError: if a file cannot be read, or the key is not the certificate's (SSLError).
    """
    context = ssl.create_default_context(cafile=settings.ca)
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
