"""The InfluxDB store: lines in, InfluxQL out, roll-ups computed here and written beside."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from collector.stores import Rejected, StoreUnavailable, Written
from collector.stores.influx_read import (
    LONGEST_RANGE,
    read_catalogue,
    read_recent,
    read_series,
    rolled_lines,
)
from collector.stores.influx_send import send_lines
from collector.stores.influx_server import InfluxServer
from collector.stores.lineprotocol import TIME_MAX, encode
from collector.stores.query import HOUR, Source
from collector.stores.rows import Row, rows_of
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.arrival import Arrival
    from collector.stores import SeriesName
    from collector.stores.query import Query, Series
    from collector.stores.settings import InfluxSettings

log = logging.getLogger(__name__)

T = TypeVar("T")


class InfluxStore:
    """A `Store` on an InfluxDB server.

    The server overwrites what has the same series and time without telling, so `Written.conflicts`
    is always 0 here. What a channel's type forbids comes back rejected, with the server's words.

    Args:
        settings: where it is, and how long it keeps what (`initialise` has told the server).
        now: the time, in ms since the epoch.
    """

    def __init__(
        self,
        settings: InfluxSettings,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._now = now
        self._longest = LONGEST_RANGE if settings.version == 3 else None  # noqa: PLR2004 - InfluxDB 3
        self._writing = ThreadPoolExecutor(1, "influx-store-write")
        self._server: InfluxServer | None = None

    async def open(self) -> None:
        """Read the secret (again); the server need not be there yet."""
        await self._let_go()
        self._server = await asyncio.to_thread(_connect, self._settings)

    async def write(self, arrivals: Sequence[Arrival]) -> Written:
        """Store samples; return when the server has them."""
        return await self._on_writer(partial(self._write, arrivals))

    async def read(self, query: Query) -> list[Series]:
        """What was stored, as the query wants it."""
        raw_from = self._settings.retention.raw_from(self._now())
        return await asyncio.to_thread(read_series, self._opened(), query, raw_from, self._longest)

    async def catalogue(self) -> list[SeriesName]:
        """Every series that the server remembers (InfluxDB 3: of the last 72 hours)."""
        if self._longest is not None:
            return await asyncio.to_thread(read_recent, self._opened(), self._now())
        return await asyncio.to_thread(read_catalogue, self._opened())

    async def roll_up(self, measurement: str, hours: Sequence[int]) -> None:
        """Compute hours anew, but those of which raw samples were forgotten already."""
        raw_from = self._settings.retention.raw_from(self._now())
        for hour in sorted(set(hours)):
            if hour >= raw_from:
                await self._on_writer(partial(self._roll_up, measurement, hour))

    async def expire(self, now: int) -> None:
        """Nothing: the server does it, by the retention that `initialise` gave it."""

    async def close(self) -> None:
        """Let go of the server."""
        await self._let_go()
        self._writing.shutdown()

    async def _let_go(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await self._on_writer(server.close)

    def _opened(self) -> InfluxServer:
        if self._server is None:
            raise StoreUnavailable("influxdb: not open yet")
        return self._server

    async def _on_writer(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, job)

    def _write(self, arrivals: Sequence[Arrival]) -> Written:
        rows, rejected = rows_of(arrivals, self._settings.retention)
        late = [row for row in rows if row.sample.at > TIME_MAX]
        rows = [row for row in rows if row.sample.at <= TIME_MAX]
        lines = [encode(row.key, row.fields, row.sample.at) for row in rows]
        refused = send_lines(self._opened(), Source.RAW, lines)
        return Written(
            (
                *rejected,
                *(
                    _rejected(row, f"time {row.sample.at} is beyond InfluxDB's last")
                    for row in late
                ),
                *(_rejected(rows[number], words) for number, words in refused),
            )
        )

    def _roll_up(self, measurement: str, hour: int) -> None:
        lines = rolled_lines(self._opened(), measurement, hour, hour + HOUR)
        refused = send_lines(self._opened(), Source.HOURLY, lines)
        if refused:  # waiting would not help, and the raw samples are there
            log.warning("%s: %d roll-ups refused: %s", measurement, len(refused), refused[0][1])


def _connect(settings: InfluxSettings) -> InfluxServer:
    path = settings.secret_file
    try:
        return InfluxServer(settings, "" if path is None else read_secret(path))
    except (SettingsError, OSError) as error:  # the secret, or the file of authorities
        raise StoreUnavailable(f"influxdb: {error}", misconfigured=True) from error


def _rejected(row: Row, reason: str) -> Rejected:
    return Rejected(row.arrival, row.sample, reason)
