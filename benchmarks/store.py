"""What a value costs a store, and how long an hourly mean takes.

A day of 8 devices with 20 channels each minute, written in groups as the collector does; then the
hourly means of one channel of every device. Our SQLite store and, where Debian's `influxd` is
installed, our InfluxDB 1 store with its server's processor time; beside two plain SQLite tables,
with a row a value, and with a row of JSON a sample.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import cpu_seconds, find, free_port, program, wait_for_port
from benchmarks.report import Report
from benchmarks.series import CHANNELS, MEASUREMENT, walk
from collector.arrival import Arrival
from collector.stores.influx import InfluxStore
from collector.stores.influx_init import Admin, initialise
from collector.stores.query import HOUR, Aggregate, Query
from collector.stores.settings import DAY, InfluxSettings, SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.stores import Store
    from telemetry.sample import Value

DEVICES, STEP, ENVELOPE = 8, 60_000, 10
"""Devices; ms between samples; samples in an envelope."""

GROUP, QUERIES = 40, 10
"""Envelopes in a write; how often the query is asked."""

VALUES = DEVICES * DAY // STEP * CHANNELS

Figures = tuple[float, float | None, float]
"""Processor µs a value written, bytes a value on disk, ms a query."""

Missing = tuple[None, None, None]

INFLUXD = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{directory}/meta"
[data]
dir = "{directory}/data"
wal-dir = "{directory}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""


def run() -> Report:
    """Measure."""
    start = (time.time_ns() // 1_000_000 - 2 * DAY) // DAY * DAY
    said = list(_day(start))
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        ours = _sqlite(said, start, directory / "ours")
        rows = (
            ("our SQLite store", ours),
            ("SQLite, a row a value", _plain(ROW_A_VALUE, said, start, directory / "rows")),
            ("SQLite, JSON a sample", _plain(JSON_A_SAMPLE, said, start, directory / "json")),
            _influx(said, start, directory / "influx"),
        )
    return Report(
        name="store",
        title=f"{VALUES} values, a day",
        columns=("write CPU µs/value", "bytes/value", "hourly means ms"),
        rows=rows,
        line={"write_us_per_value": ours[0], "query_ms": ours[2]},
    )


def _day(start: int) -> Iterator[Arrival]:
    devices = [Device(f"device-{n}", "bench", 1, MEASUREMENT) for n in range(DEVICES)]
    walks = [walk(n) for n in range(DEVICES)]
    for seq, first in enumerate(range(start, start + DAY, ENVELOPE * STEP)):
        for device, says in zip(devices, walks, strict=True):
            times = range(first, first + ENVELOPE * STEP, STEP)
            samples = tuple(Sample(device.id, at, next(says)) for at in times)
            topic = EnvelopeTopic("bench", Lane.LIVE, "0123456789abcdef", seq)
            yield Arrival(topic, 0, first, Envelope(Clock.SYNCED, (device,), samples))


def _groups(said: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    return (said[n : n + GROUP] for n in range(0, len(said), GROUP))


def _sqlite(said: Sequence[Arrival], start: int, directory: Path) -> Figures:
    directory.mkdir()
    store = SqliteStore(SqliteSettings(path=directory / "samples.db"))
    write, means = asyncio.run(_measure(store, said, start))
    return write, _size(directory) / VALUES, means


async def _measure(
    store: Store, said: Sequence[Arrival], start: int, server: Callable[[], float] = float
) -> tuple[float, float]:
    """Processor µs a value and ms a query; `server` tells the processor time of its server."""
    await store.open()
    began = time.process_time() + server()
    for group in _groups(said):
        await store.write(group)
    spent = time.process_time() + server() - began
    query = Query(
        start=start,
        end=start + DAY,
        measurement=MEASUREMENT,
        channels=("channel_3",),
        aggregate=Aggregate.MEAN,
        every=HOUR,
    )
    asked = time.perf_counter()
    for _ in range(QUERIES):
        series = await store.read(query)
        assert len(series) == DEVICES  # noqa: S101 - a benchmark of nothing would be fast
    passed = time.perf_counter() - asked
    await store.close()
    return spent / VALUES * 1e6, passed / QUERIES * 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A plain table: what makes it, what fills it with a sample's rows, and the hourly means."""

    create: str
    insert: str
    rows: Callable[[Sample], list[tuple[Value, ...]]]
    means: str


ROW_A_VALUE = Table(
    create="CREATE TABLE samples (device TEXT, channel TEXT, at INTEGER, value REAL,"
    " PRIMARY KEY (device, channel, at)) WITHOUT ROWID",
    insert="INSERT INTO samples VALUES (?, ?, ?, ?)",
    rows=lambda s: [(s.device, channel, s.at, value) for channel, value in s.values.items()],
    means="SELECT device, at / 3600000, avg(value) FROM samples"
    " WHERE channel = 'channel_3' AND at >= ? AND at < ? GROUP BY 1, 2",
)
JSON_A_SAMPLE = Table(
    create="CREATE TABLE samples (device TEXT, at INTEGER, said TEXT,"
    " PRIMARY KEY (device, at)) WITHOUT ROWID",
    insert="INSERT INTO samples VALUES (?, ?, ?)",
    rows=lambda s: [(s.device, s.at, json.dumps(s.values))],
    means="SELECT device, at / 3600000, avg(said ->> '$.channel_3') FROM samples"
    " WHERE at >= ? AND at < ? GROUP BY 1, 2",
)


def _plain(table: Table, said: Sequence[Arrival], start: int, directory: Path) -> Figures:
    directory.mkdir()
    with closing(sqlite3.connect(directory / "plain.db", isolation_level=None)) as db:
        db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {table.create}")
        began = time.process_time()
        for group in _groups(said):
            samples = (sample for arrival in group for sample in arrival.envelope.samples)
            db.execute("BEGIN")
            db.executemany(table.insert, chain.from_iterable(map(table.rows, samples)))
            db.execute("COMMIT")
        spent = time.process_time() - began
        asked = time.perf_counter()
        for _ in range(QUERIES):
            means = db.execute(table.means, (start, start + DAY)).fetchall()
            assert len(means) == DEVICES * 24  # noqa: S101 - a benchmark of nothing would be fast
        passed = time.perf_counter() - asked
    return spent / VALUES * 1e6, _size(directory) / VALUES, passed / QUERIES * 1e3


def _influx(said: Sequence[Arrival], start: int, directory: Path) -> tuple[str, Missing | Figures]:
    """Its size is not told: what was just written is not compressed yet."""
    influxd = find("influxd")
    if influxd is None:
        return "our InfluxDB store (no influxd here)", (None, None, None)
    told = subprocess.run([influxd, "version"], capture_output=True, text=True, check=False).stdout
    if "InfluxDB v1." not in told:
        return "our InfluxDB store (influxd is not 1.x)", (None, None, None)
    directory.mkdir()
    port = free_port()
    config = directory / "influxdb.conf"
    config.write_text(INFLUXD.format(directory=directory, port=port, rpc=free_port()))
    with program(influxd, "-config", config, log=directory / "log") as server:
        wait_for_port(port)
        settings = InfluxSettings(version=1, url=f"http://127.0.0.1:{port}", database="bench")
        initialise(settings, Admin(""))
        store = InfluxStore(settings)
        write, means = asyncio.run(_measure(store, said, start, lambda: cpu_seconds(server.pid)))
    return f"our InfluxDB store, {told.split()[1]}, with its server", (write, None, means)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
