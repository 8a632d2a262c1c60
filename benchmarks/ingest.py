"""What a value costs the collector from payload to stored row, in processor time of all threads.

Unpack, watch, journal, store (SQLite), step by step as the collector does, with three rules on each
device. Beside it the least that keeps a value: parse JSON, insert a row a value, commit.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import Report
from benchmarks.series import VALUES, envelopes
from collector.alarms.engine import Engine
from collector.alarms.rules import Rule
from collector.arrival import Arrival
from collector.ingest import unpacking
from collector.ingest.inbox import Message
from collector.journal.entry import Entry
from collector.journal.journal import Journal
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry import envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.envelope import Envelope

COUNT = 2000
"""Envelopes."""

GROUP, WATCHED, STEP = 20, 3, 10
"""Envelopes in one commit; channels with a rule; ms between samples."""

TABLE = "CREATE TABLE row_a_value (device TEXT, channel TEXT, at INTEGER, value REAL)"


def rule(channel: int) -> Rule:
    """A rule that never breaches: the usual case."""
    return Rule.model_validate(
        {
            "id": f"rule-{channel}",
            "title": "Too high",
            "watch": {"channel": f"channel_{channel}"},
            "when": {"above": 100_000, "deadband": 2},
            "on_delay": "60s",
            "max_gap": "30min",
            "priority": "high",
            "action": "Look.",
        }
    )


def run(count: int = COUNT) -> Report:
    """Measure."""
    now = time.time_ns() // 1_000_000
    said = list(envelopes(count, now - 100_000, STEP))
    waiting = [Message(str(topic), envelope.pack(each), now) for topic, each in said]
    with tempfile.TemporaryDirectory() as directory:
        spent = asyncio.run(_ingest(Path(directory), waiting, now))
        bare = _insert(Path(directory), [each for _, each in said])
    values = count * VALUES
    rows = [*spent.items(), ("all", sum(spent.values())), ("standard json, a row a value", bare)]
    return Report(
        name="ingest",
        title=f"{values} values",
        columns=("CPU µs/value", "values/CPU second"),
        rows=tuple((name, (cpu / values * 1e6, values / cpu)) for name, cpu in rows),
        line={"values_per_cpu_second": values / sum(spent.values())},
    )


async def _ingest(directory: Path, waiting: Sequence[Message], now: int) -> dict[str, float]:
    """Processor seconds, step by step."""
    spent = dict.fromkeys(("unpack", "watch", "journal", "store"), 0.0)
    store = SqliteStore(SqliteSettings(path=directory / "samples.db"))
    await store.open()
    async with Journal(directory / "journal.db") as journal:
        engine = Engine([rule(channel) for channel in range(WATCHED)], await journal.open())
        for start in range(0, len(waiting), GROUP):
            clock = [time.process_time()]
            opened = [unpacking.unpack(m) for m in waiting[start : start + GROUP]]
            arrivals = [a for a in opened if isinstance(a, Arrival)]
            clock.append(time.process_time())
            watched = engine.watch(arrivals, now)
            clock.append(time.process_time())
            await journal.commit(Entry(watched.transitions, watched.changed))
            clock.append(time.process_time())
            await store.write(arrivals)
            clock.append(time.process_time())
            for step, before, after in zip(spent, clock, clock[1:], strict=False):
                spent[step] += after - before
    await store.close()
    return spent


def _insert(directory: Path, said: Sequence[Envelope]) -> float:
    """Processor seconds of the least."""
    payloads = [
        json.dumps([[s.device, s.at, s.values] for s in each.samples]).encode() for each in said
    ]
    with closing(sqlite3.connect(directory / "bare.db", isolation_level=None)) as db:
        db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {TABLE}")
        began = time.process_time()
        for start in range(0, len(payloads), GROUP):
            rows = (
                (device, channel, at, value)
                for payload in payloads[start : start + GROUP]
                for device, at, values in json.loads(payload)
                for channel, value in values.items()
            )
            db.execute("BEGIN")
            db.executemany("INSERT INTO row_a_value VALUES (?, ?, ?, ?)", rows)
            db.execute("COMMIT")
        return time.process_time() - began
