"""An account of samples kept by nobody who delivers them: SQLite's trigger in the outbox's file.

Whatever is committed to the outbox stands in the ledger by the same commit, and stays there when a
receipt deletes it. So the store can be held against everything that ever was in the outbox.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from edge_agent.delivery.outbox_file import OutboxFile
from telemetry.envelope import unpack
from telemetry.sample import Quality

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry.sample import Sample, Value

Fields = dict[str, "Value"]
"""A row's fields, as the store's documentation names them."""

Rows = dict[tuple[str, int], Fields]
"""By device and time (ms since the epoch)."""

KEEP = """
CREATE TABLE ledger (seq INTEGER, payload BLOB);
CREATE TRIGGER keep AFTER INSERT ON batches
BEGIN INSERT INTO ledger VALUES (new.seq, new.payload); END;
"""


def begin(outbox: Path) -> None:
    """Make an empty outbox with a ledger, before its agent starts for the first time."""
    OutboxFile(outbox, machine="a test", max_size=100_000_000, quarantine=1_000_000).close()
    with contextlib.closing(sqlite3.connect(outbox)) as db:
        db.executescript(KEEP)


def written(outbox: Path) -> Rows:
    """Every sample that ever was in the outbox, as the row that it must make."""
    with contextlib.closing(sqlite3.connect(outbox)) as db:
        payloads = [payload for (payload,) in db.execute("SELECT payload FROM ledger")]
    samples = [sample for payload in payloads for sample in unpack(payload).samples]
    rows = {(sample.device, sample.at): _fields(sample) for sample in samples}
    assert len(rows) == len(samples), "a device has two samples of one instant"
    return rows


def waiting(outbox: Path) -> set[tuple[str, int]]:
    """The samples in the outbox now."""
    with contextlib.closing(sqlite3.connect(outbox)) as db:
        payloads = [payload for (payload,) in db.execute("SELECT payload FROM batches")]
    return {(s.device, s.at) for payload in payloads for s in unpack(payload).samples}


def stored(store: Path) -> Rows:
    """Every row of a collector's SQLite store."""
    rows: Rows = {}
    with contextlib.closing(sqlite3.connect(store)) as db:
        db.row_factory = sqlite3.Row
        tables = [name for (name,) in db.execute("SELECT DISTINCT measurement FROM _series")]
        for table in tables:
            found = db.execute(
                f'SELECT device AS _device, t.* FROM "{table}" t JOIN _series ON id = _series'  # noqa: S608 - a name
            ).fetchall()
            for row in found:
                key = (row["_device"], row["_at"])
                assert key not in rows, f"{key} is stored twice"
                rows[key] = {
                    name: row[name]
                    for name in row.keys()  # noqa: SIM118 - a Row iterates over its values
                    if not name.startswith("_") and row[name] is not None
                }
    return rows


def assert_balanced(outbox: Path, store: Path) -> None:
    """Every sample that ever was in the outbox is one row of the store, and no other is."""
    told, kept = written(outbox), stored(store)
    assert told.keys() - kept.keys() == set(), "lost"
    assert kept.keys() - told.keys() == set(), "from nowhere"
    assert kept == told


def rows_in(store: Path) -> int:
    """How many rows a collector's SQLite store has; 0 before it has any."""
    try:
        return len(stored(store))
    except sqlite3.OperationalError:
        return 0


def _fields(sample: Sample) -> Fields:
    fields: Fields = {}
    for name, value in sample.values.items():
        flag = sample.flags.get(name)
        doubted = flag is not None and flag.quality is Quality.SUSPECT
        fields[name + "__suspect" * doubted] = value
    return fields | {f"{name}__flag": str(flag) for name, flag in sample.flags.items()}
