"""The promise: a file that is its owner's, survives what happens to it, and can be read beside."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collector.stores import StoreUnavailable
from collector.stores.query import HOUR, Aggregate, Query, Wanted
from collector.stores.settings import DAY, Retention, SqliteSettings
from collector.stores.sqlite import SLICE, SqliteStore
from collector.stores.sqlite_schema import MAX_CHANNELS, SCHEMA_VERSION, open_reader
from parts.arrivals import arrival, sample
from telemetry.envelope import Device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T0 = 1_700_000_000_000 // HOUR * HOUR


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "samples.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(SqliteSettings(path=path), lambda: T0)
    await opened.open()
    yield opened
    await opened.close()


async def test_the_file_is_its_owners_alone(store: SqliteStore, path: Path) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0})], at=T0)])

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(("samples.db", "samples.db-wal", "samples.db-shm"), 0o600)


async def test_what_is_told_about_one_instant_twice_and_differently_is_counted(
    store: SqliteStore,
) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0, "mode": "a", "voltage": 2.0})], at=T0)])

    written = await store.write(
        [arrival([sample(T0, {"power": 9.0, "mode": "b", "voltage": 2.0, "new": 1})], at=T0)]
    )

    assert written.conflicts == 2


async def test_another_process_reads_while_it_is_written(store: SqliteStore, path: Path) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0})], at=T0)])
    program = (
        "import sys, pathlib; from collector.stores.sqlite_schema import open_reader;"
        "c = open_reader(pathlib.Path(sys.argv[1]));"
        "print(c.execute('SELECT power FROM electricity_meter').fetchall())"
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), stdout=subprocess.PIPE
    )
    told, _ = await process.communicate()
    await store.write([arrival([sample(T0 + 1, {"power": 2.0})], at=T0)])

    assert told == b"[(1.0,)]\n"
    assert (path.parent / "samples.db-wal").stat().st_size > 0  # the reader took nothing out of it


async def test_a_reader_cannot_write(store: SqliteStore, path: Path) -> None:
    await store.catalogue()
    reader = open_reader(path)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM _series")
    reader.close()


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_reader(path)

    assert not path.exists()


async def test_a_file_of_a_later_version_is_left_alone(store: SqliteStore, path: Path) -> None:
    await store.close()
    with sqlite3.connect(path) as later:
        later.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    later.close()
    newer = SqliteStore(SqliteSettings(path=path))

    with pytest.raises(StoreUnavailable, match="schema 2") as caught:
        await newer.open()
    await newer.close()

    assert caught.value.misconfigured


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


async def test_what_is_no_database_is_told(path: Path) -> None:
    _write(path, b"not a database" * 100)
    store = SqliteStore(SqliteSettings(path=path))

    with pytest.raises(StoreUnavailable, match="not a database"):
        await store.open()
    await store.close()


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    _write(tmp_path / "file", b"")
    store = SqliteStore(SqliteSettings(path=tmp_path / "file" / "samples.db"))

    with pytest.raises(StoreUnavailable, match="file"):
        await store.open()
    await store.close()


async def test_a_full_disk_loses_nothing_that_was_written(store: SqliteStore) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0})], at=T0)])
    writer = store._opened_writer().connection
    writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0]}")
    many = [sample(T0 + n, {"power": float(n), "mode": "x" * 500}) for n in range(500)]

    with pytest.raises(StoreUnavailable, match="full"):
        await store.write([arrival(many, at=T0, agent="agent-2")])

    writer.execute("PRAGMA max_page_count = 1000000")
    assert [series.agent for series in await store.read(Query(start=T0, end=T0 + DAY))] == [
        "agent-1"
    ]
    written = await store.write([arrival(many, at=T0, agent="agent-2")])
    assert written.rejected == ()
    assert len(await store.read(Query(start=T0, end=T0 + DAY))) == 3


async def test_a_measurement_that_sqlite_forbids_is_rejected(store: SqliteStore) -> None:
    device = Device("odd", "acme", 1, "sqlite_stat")

    written = await store.write(
        [arrival([sample(T0, {"power": 1.0}, device="odd")], at=T0, devices=(device,))]
    )

    assert "sqlite_" in written.rejected[0].reason


async def test_names_that_sql_knows_are_only_names(store: SqliteStore) -> None:
    device = Device("m", "acme", 1, "select")
    values = {"series": 1.0, "at": 2.0, "id": 3.0, "rowid": 4.0, "order": 5.0, "null": 6.0}
    await store.write([arrival([sample(T0, values, device="m")], at=T0, devices=(device,))])
    await store.roll_up("select", [T0])

    answer = await store.read(Query(start=T0, end=T0 + HOUR, aggregate=Aggregate.MEAN, every=HOUR))

    assert {series.channel: series.points[0].value for series in answer} == values


async def test_a_measurement_takes_so_many_channels_and_no_more(store: SqliteStore) -> None:
    values = {f"c{n}": float(n) for n in range(MAX_CHANNELS)}
    await store.write([arrival([sample(T0, values)], at=T0)])

    written = await store.write([arrival([sample(T0, {"one_more": 1.0})], at=T0)])
    await store.roll_up("electricity_meter", [T0])

    assert str(MAX_CHANNELS) in written.rejected[0].reason


async def test_a_doubted_value_has_its_channels_type(store: SqliteStore) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0}, {"power": "suspect:spike"})], at=T0)])

    written = await store.write([arrival([sample(T0 + 1, {"power": 1})], at=T0)])

    assert "holds float" in written.rejected[0].reason


async def test_a_channel_that_is_only_ever_doubted_has_no_good_aggregate(
    store: SqliteStore,
) -> None:
    await store.write([arrival([sample(T0, {"power": 4.0}, {"power": "suspect:spike"})], at=T0)])
    await store.roll_up("electricity_meter", [T0])
    query = Query(start=T0, end=T0 + HOUR, aggregate=Aggregate.MAX)
    doubted = Query(start=T0, end=T0 + HOUR, aggregate=Aggregate.MAX, quality=Wanted.ALL)

    assert await store.read(query) == []
    assert [series.points[0].value for series in await store.read(doubted)] == [4.0]


async def test_expiry_forgets_samples_before_hours_and_hours_at_last(path: Path) -> None:
    retention = Retention(raw=1, hourly=10)
    clock = [T0]
    store = SqliteStore(SqliteSettings(path=path, retention=retention), lambda: clock[0])
    await store.open()
    many = [sample(T0 + n * 100, {"power": 1.0}) for n in range(SLICE * 2 + 1)]
    await store.write([arrival(many, at=T0), arrival(many[:10], at=T0, agent="agent-2")])
    await store.roll_up("electricity_meter", [T0])
    query = Query(start=T0, end=T0 + HOUR, aggregate=Aggregate.COUNT, every=HOUR)

    counts = []
    for days in (0, 2, 12):
        clock[0] = T0 + days * DAY
        await store.expire(clock[0])
        raw = await store.read(Query(start=T0, end=T0 + HOUR))
        answer = await store.read(query)
        counts.append((len(raw), [series.points[0].value for series in answer]))
    await store.close()

    assert counts == [(2, [len(many), 10]), (0, [len(many), 10]), (0, [])]


WRITER = """
import asyncio, pathlib, sys
from parts.arrivals import arrival, sample
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore

T0 = 1_700_000_000_000

async def main():
    store = SqliteStore(SqliteSettings(path=pathlib.Path(sys.argv[1])))
    await store.open()
    for n in range(1_000_000):
        await store.write([arrival([sample(T0 + n, {"n": n})], at=T0)])
        print(n, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_said_to_be_stored(path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(path),
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": tests},
    )
    assert process.stdout is not None
    stored = -1
    async with asyncio.timeout(60):
        while stored < 50:
            stored = int(await process.stdout.readline())
    process.kill()
    rest = (await process.communicate())[0].split()
    stored = int(rest[-1]) if rest else stored

    store = SqliteStore(SqliteSettings(path=path))
    await store.open()
    (series,) = await store.read(Query(start=0, end=T0 + 10 * DAY))
    await store.close()

    values = [point.value for point in series.points]
    assert values == list(range(len(values)))
    assert len(values) > stored
