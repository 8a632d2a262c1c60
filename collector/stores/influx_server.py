"""An InfluxDB server over HTTP: blocking calls with a time limit, for threads.

Writes: `/write` on 1.x; on 2.x and 3 influxdb-client's own synchronous API with ready bytes.
(Its batching mode loses data silently, so nothing of that is used.) Queries: `/query` everywhere.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from collector.stores import StoreUnavailable
from collector.stores.influx_answers import judge_query, judge_write
from collector.stores.query import Source

if TYPE_CHECKING:
    from collector.stores.settings import InfluxSettings

POLICIES = {Source.RAW: "raw", Source.HOURLY: "hourly"}
"""Retention policies of a 1.x database."""


class Writer(Protocol):
    """One way to send lines."""

    def write(self, source: Source, lines: bytes) -> None:
        """Return when they are stored.

        Raises:
            LinesRefused: if some of them never will be.
            StoreUnavailable: if the server cannot take any now.
        """

    def close(self) -> None:
        """Let go of the connections."""


class InfluxServer:
    """One server, and the databases on it that are ours."""

    def __init__(self, settings: InfluxSettings, secret: str) -> None:
        self._settings = settings
        self._http = open_http(settings, _basic(settings, secret))
        self._writer: Writer = (
            _LineWriter(settings, self._http)
            if settings.version == 1
            else _open_client_writer(settings, secret)
        )

    def write(self, source: Source, lines: bytes) -> None:
        """Store lines.

        Raises:
            LinesRefused: if some of them will never be stored.
            StoreUnavailable: if the server cannot take any now.
        """
        self._writer.write(source, lines)

    def query(self, source: Source, text: str) -> list[list[dict[str, Any]]]:
        """Each statement's series.

        Raises:
            StoreUnavailable: if the server cannot answer now.
        """
        params = {"db": database(self._settings, source), "epoch": "ms"}
        if self._settings.version == 1:
            params["rp"] = POLICIES[source]
        answer = send(self._http, "POST", "/query", params=params, data={"q": text})
        return judge_query(answer.status_code, answer.content, answer.headers.get("retry-after"))

    def close(self) -> None:
        """Let go of the connections."""
        self._writer.close()
        self._http.close()


def open_http(settings: InfluxSettings, auth: httpx.Auth | None) -> httpx.Client:
    """A client for that server; it waits no longer than the settings say."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    return httpx.Client(
        base_url=settings.url, auth=auth, timeout=settings.timeout, verify=context, trust_env=False
    )


def send(http: httpx.Client, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """The server's answer.

    Raises:
        StoreUnavailable: if there is none.
    """
    try:
        return http.request(method, path, **parts)
    except httpx.HTTPError as error:
        raise StoreUnavailable(f"influxdb: {type(error).__name__} {error}".strip()) from error


def database(settings: InfluxSettings, source: Source) -> str:
    """Where samples or roll-ups are."""
    if settings.version == 1 or source is Source.RAW:
        return settings.database
    return f"{settings.database}_1h"


def _basic(settings: InfluxSettings, secret: str) -> httpx.BasicAuth | None:
    """HTTP Basic: 2.x and 3 take any user with a token for a password."""
    return httpx.BasicAuth(settings.username or "collector", secret) if secret else None


def _open_client_writer(settings: InfluxSettings, secret: str) -> Writer:
    from collector.stores.influx_client import ClientWriter  # noqa: PLC0415 - takes 0.5 s to import

    return ClientWriter(settings, secret)


class _LineWriter:
    """Writes to 1.x."""

    def __init__(self, settings: InfluxSettings, http: httpx.Client) -> None:
        self._settings = settings
        self._http = http

    def write(self, source: Source, lines: bytes) -> None:
        params = {"db": self._settings.database, "rp": POLICIES[source], "precision": "ms"}
        answer = send(self._http, "POST", "/write", params=params, content=lines)
        judge_write(answer.status_code, answer.content, answer.headers.get("retry-after"))

    def close(self) -> None:
        """The server closes the connections that it shares."""
