"""The outbox as a SQLite file: its tables and statements, on one connection.

WAL and `synchronous=FULL`: a commit survives a power cut (NORMAL lost 13-16 s of commits in an
emulated one). One row a batch; a seq is never given twice (`AUTOINCREMENT`), not even when the
table was emptied. Each row names its stream: a file that is found on another machine (a cloned
card, a restored copy) keeps its rows under their old stream and starts a new one for what comes,
so that no receipt for one machine's batch can delete another's.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from edge_agent.delivery.courier import Parcel
from edge_agent.delivery.outbox_tables import COLUMNS, FORMAT, SCHEMA, Totals
from telemetry.receipt import Outcome, Receipt, checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from edge_agent.delivery.batch import Batch
    from edge_agent.delivery.courier import Span


class UnknownFormat(Exception):
    """The file was written by a later version of this program."""


class OutboxFile:
    """An open file. Every method may raise `sqlite3.Error`, having changed nothing.

    Attributes:
        stream: of the batches that are appended now.
        totals: as of the last commit.
        oldest_at: the first time (ms since epoch) in the oldest batch, or None.
        newest: the highest seq ever given.
    """

    def __init__(self, path: Path, *, machine: str, max_size: int, quarantine: int) -> None:
        self._quarantine = quarantine
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare(max_size)
            self.stream = self._bind(hashlib.sha256(machine.encode()).hexdigest())
            self.totals = self._read_totals()
            self._look()
        except BaseException:
            self._db.close()
            raise

    def commit(self, batches: Sequence[Batch], forget: Iterable[Receipt], dropped: Totals) -> None:
        """In one transaction: act on receipts, record drops in memory, append; the oldest give way.

        A receipt acts on the row with its stream, seq and checksum; on no other.
        """
        with self._transaction():
            totals = _plus(
                self.totals,
                dropped_batches=dropped.dropped_batches,
                dropped_samples=dropped.dropped_samples,
            )
            # The refused last: what was stored makes room for them.
            for receipt in sorted(forget, key=_is_refused):
                act = self._put_aside if _is_refused(receipt) else self._forget
                totals = act(receipt, totals)
            totals = self._make_room([len(batch.payload) for batch in batches], totals)
            for batch in batches:
                self._insert(batch)
                size = len(batch.payload)
                totals = _plus(totals, batches=1, samples=batch.samples, bytes=size)
            if totals != self.totals:
                self._write_totals(totals)
        self.totals = totals
        self._look()

    def read(self, span: Span) -> list[Parcel]:
        """The parcels of a span, in order; one that the disk has spoilt goes into quarantine."""
        rows = self._db.execute(
            "SELECT seq, stream, crc, last_at, payload FROM batches"
            " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (span.after, span.upto, span.limit),
        )
        parcels = [
            Parcel(seq=seq, stream=stream, crc=crc, last_at=last_at, payload=payload)
            for seq, stream, crc, last_at, payload in rows
        ]
        spoilt = [parcel for parcel in parcels if checksum(parcel.payload) != parcel.crc]
        if not spoilt:
            return parcels
        reason = "the disk returned other bytes than were written"
        refuse = [Receipt(p.stream, p.seq, p.crc, Outcome.REFUSED, reason) for p in spoilt]
        self.commit([], refuse, Totals())
        return self.read(span)

    def newest_before(self, at: int) -> int:
        """The seq of the newest batch whose newest sample is older than `at`; 0 if none is."""
        found = self._db.execute(
            "SELECT seq FROM batches WHERE last_at < ? ORDER BY seq DESC LIMIT 1", (at,)
        ).fetchone()
        return found[0] if found else 0

    def restore(self, rows: Iterable[tuple[object, ...]]) -> int:
        """Take rows (as `salvage` yields them) of a damaged file; returns how many."""
        before = self.totals
        with self._transaction():
            totals = before
            for row in rows:
                self._db.execute(
                    f"INSERT OR IGNORE INTO batches ({COLUMNS}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608 - constant
                    row,
                )
            count, samples, size = self._db.execute(
                "SELECT count(*), total(samples), total(length(payload)) FROM batches"
            ).fetchone()
            totals = replace(before, batches=count, samples=int(samples), bytes=int(size))
            self._write_totals(totals)
        self.totals = totals
        self._look()
        return totals.batches - before.batches

    def close(self) -> None:
        """Close it; the WAL is folded into the file."""
        self._db.close()

    def _prepare(self, max_size: int) -> None:
        execute = self._db.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        # Debian's SQLite overwrites deleted rows with zeros unless told: wear for nothing.
        execute("PRAGMA secure_delete = OFF")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(SCHEMA)
        elif version != FORMAT:
            raise UnknownFormat(f"the outbox has format {version}; this program knows {FORMAT}")
        (page,) = execute("PRAGMA page_size").fetchone()
        self._page = page
        self._max_pages = max_size // page
        execute(f"PRAGMA max_page_count = {self._max_pages}")

    def _bind(self, machine: str) -> str:
        known = self._db.execute("SELECT stream, machine FROM meta").fetchone()
        if known and known[1] == machine:
            return str(known[0])
        stream = secrets.token_hex(8)
        self._db.execute(
            "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, 0, 0, 0, 0)"
            " ON CONFLICT DO UPDATE SET stream = excluded.stream, machine = excluded.machine",
            (stream, machine),
        )
        return stream

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            # SQLite may have rolled back by itself, as it does when the disk is full.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _forget(self, receipt: Receipt, totals: Totals) -> Totals:
        gone = self._delete(receipt, "samples, length(payload)")
        for samples, size in gone:
            totals = _plus(totals, batches=-1, samples=-samples, bytes=-size, delivered=samples)
        return totals

    def _put_aside(self, receipt: Receipt, totals: Totals) -> Totals:
        for row in self._delete(receipt, COLUMNS):
            samples, size = row[4], len(row[6])
            totals = _plus(totals, batches=-1, samples=-samples, bytes=-size, refused=1)
            totals = self._make_room([size], totals)
            self._db.execute(
                "INSERT OR REPLACE INTO quarantine VALUES (?,?,?,?,?,?,?,?)", (*row, receipt.reason)
            )
            totals = self._bound_quarantine(totals)
        return totals

    def _delete(self, receipt: Receipt, returning: str) -> list[tuple[Any, ...]]:
        return self._db.execute(
            "DELETE FROM batches WHERE stream = ? AND seq = ? AND crc = ?"  # noqa: S608 - constants
            f" RETURNING {returning}",
            (receipt.stream, receipt.seq, receipt.crc),
        ).fetchall()

    def _bound_quarantine(self, totals: Totals) -> Totals:
        while self._quarantined_bytes() > self._quarantine:
            ((samples,),) = self._db.execute(
                "DELETE FROM quarantine WHERE seq = (SELECT min(seq) FROM quarantine)"
                " RETURNING samples"
            ).fetchall()
            totals = _plus(totals, dropped_batches=1, dropped_samples=samples)
        return totals

    def _quarantined_bytes(self) -> int:
        (size,) = self._db.execute("SELECT total(length(payload)) FROM quarantine").fetchone()
        return int(size)

    def _make_room(self, sizes: Iterable[int], totals: Totals) -> Totals:
        """Drop the oldest batches until the file has pages for payloads of these sizes."""
        needed = sum(size // self._page + 2 for size in sizes)
        while self._free_pages() < needed:
            oldest = self._db.execute(
                "DELETE FROM batches WHERE seq = (SELECT min(seq) FROM batches)"
                " RETURNING samples, length(payload)"
            ).fetchall()
            if not oldest:
                break
            ((samples, size),) = oldest
            totals = _plus(
                totals,
                batches=-1,
                samples=-samples,
                bytes=-size,
                dropped_batches=1,
                dropped_samples=samples,
            )
        return totals

    def _free_pages(self) -> int:
        (used,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int(self._max_pages - used + free)

    def _insert(self, batch: Batch) -> None:
        self._db.execute(
            "INSERT INTO batches (stream, first_at, last_at, samples, crc, payload)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                self.stream,
                batch.first_at,
                batch.last_at,
                batch.samples,
                batch.crc,
                batch.payload,
            ),
        )

    def _read_totals(self) -> Totals:
        names = list(asdict(Totals()))
        row = self._db.execute(f"SELECT {', '.join(names)} FROM meta").fetchone()  # noqa: S608 - constant
        return Totals(**dict(zip(names, row, strict=True)))

    def _write_totals(self, totals: Totals) -> None:
        names = asdict(totals)
        assignments = ", ".join(f"{name} = :{name}" for name in names)
        self._db.execute(f"UPDATE meta SET {assignments}", names)  # noqa: S608 - constant

    def _look(self) -> None:
        oldest = self._db.execute("SELECT first_at FROM batches ORDER BY seq LIMIT 1").fetchone()
        newest = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'batches'")
        self.oldest_at: int | None = oldest[0] if oldest else None
        self.newest: int = (newest.fetchone() or (0,))[0]


def _is_refused(receipt: Receipt) -> bool:
    return receipt.outcome is Outcome.REFUSED


def _plus(totals: Totals, **changes: int) -> Totals:
    return replace(totals, **{name: getattr(totals, name) + n for name, n in changes.items()})
