"""The journal: what the collector must not forget, durable before anything else may see it.

SQLite in WAL mode with `synchronous=FULL`, one connection on one thread: commits happen in the
order in which they were asked for. A commit that a full or failing disk refuses is tried again
until it succeeds, because what follows builds on it; agents keep their data meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeVar

from collector.journal import tables
from collector.journal.entry import DeadLetter, Entry, Hour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from collector.alarms.memory import Memory
    from collector.alarms.transition import Transition

log = logging.getLogger(__name__)

RETRY_MIN, RETRY_MAX = 0.5, 30.0
"""Seconds between tries of a commit that the disk refused."""

T = TypeVar("T")


class JournalUnusable(Exception):
    """The file cannot be opened as a journal."""


class JournalClosed(Exception):
    """The journal was closed before this could be committed."""


class Journal:
    """The journal in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._closing = threading.Event()
        self._marked: set[Hour] = set()
        self._reading = 0

    async def open(self) -> Memory:
        """Open or create the file; what the engine knew at the last commit.

        Raises:
            JournalUnusable: if the file cannot be read or is none of this version.
        """
        return await self._run(self._open)

    async def commit(self, entry: Entry) -> None:
        """Make an entry durable. It is queued before the first await, so order is the caller's.

        Raises:
            JournalClosed: if the journal was closed first.
        """
        if entry:
            await self._run(lambda: self._commit_at_last(entry))

    async def marked_hours(self, before: int) -> list[Hour]:
        """Hours that begin before `before` (ms) and whose roll-up is out of date."""
        return await self._run(lambda: self._read_marks(before))

    async def unmark_hours(self, hours: Sequence[Hour]) -> None:
        """Forget marks, but those that were set again since they were last read."""
        await self._run(lambda: self._unmark(hours))

    async def transitions(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Transition]]:
        """Transitions with their ids, in the order of the journal, behind the id `after`."""
        select = (
            f"SELECT id, {tables.TRANSITION_COLUMNS} FROM transitions"  # noqa: S608 - a constant
            " WHERE id > ? ORDER BY id LIMIT ?"
        )
        rows = await self._run(lambda: self._db.execute(select, (after, limit)).fetchall())
        return [(row[0], tables.transition_of(row[1:])) for row in rows]

    async def occurrence(self, occurrence: str) -> list[Transition]:
        """Every transition of one occurrence, first to last."""
        select = (
            f"SELECT {tables.TRANSITION_COLUMNS} FROM transitions"  # noqa: S608 - a constant
            " WHERE occurrence = ? ORDER BY id"
        )
        rows = await self._run(lambda: self._db.execute(select, (occurrence,)).fetchall())
        return [tables.transition_of(row) for row in rows]

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[tuple[int, DeadLetter]]:
        """Dead letters with their ids, oldest first, behind the id `after`."""
        select = (
            f"SELECT id, {tables.DEAD_LETTER_COLUMNS} FROM dead_letters"  # noqa: S608 - a constant
            " WHERE id > ? ORDER BY id LIMIT ?"
        )
        rows = await self._run(lambda: self._db.execute(select, (after, limit)).fetchall())
        return [(row[0], DeadLetter(*row[1:])) for row in rows]

    async def count_dead_letters(self) -> int:
        """How many dead letters there are."""
        select = "SELECT count(*) FROM dead_letters"
        return int((await self._run(lambda: self._db.execute(select).fetchone()))[0])

    async def close(self) -> None:
        """End; what is queued is committed first, unless the disk refuses it."""
        self._closing.set()
        await self._run(self._close)
        self._thread.shutdown()

    async def __aenter__(self) -> Self:
        """Nothing yet: `open` returns the memory."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def _run(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    def _open(self) -> Memory:
        try:
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(f"BEGIN IMMEDIATE; {tables.SCHEMA} COMMIT;")
            elif version != tables.SCHEMA_VERSION:
                raise JournalUnusable(f"{self._path}: version {version} is not ours")
            self._marked = {
                Hour(*row[:2]) for row in self._db.execute("SELECT * FROM marked_hours")
            }
            select = "SELECT coalesce(max(reading), 0) FROM marked_hours"
            self._reading = self._db.execute(select).fetchone()[0]
            return tables.read_memory(self._db)
        except sqlite3.Error as error:
            raise JournalUnusable(f"{self._path}: {error}") from error

    def _commit_at_last(self, entry: Entry) -> None:
        wait, refused = RETRY_MIN, False
        while True:
            try:
                self._commit(entry)
            except sqlite3.OperationalError as error:
                if not refused:
                    log.error("journal %s: cannot write (%s); trying again", self._path, error)  # noqa: TRY400 - the reason is the message
                refused = True
                if self._closing.wait(wait):
                    raise JournalClosed(str(error)) from error
                wait = min(wait * 2, RETRY_MAX)
            else:
                if refused:
                    log.warning("journal %s: writes again", self._path)
                return

    def _commit(self, entry: Entry) -> None:
        entry = replace(entry, hours=entry.hours - self._marked)
        if not entry:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            tables.append_transitions(self._db, entry.transitions)
            tables.write_memory(self._db, entry.memory)
            tables.mark_hours(self._db, entry.hours, self._reading)
            tables.append_dead_letters(self._db, entry.dead_letters)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._marked |= entry.hours

    def _read_marks(self, before: int) -> list[Hour]:
        rows = self._db.execute(
            "SELECT measurement, hour FROM marked_hours WHERE hour < ? ORDER BY hour", (before,)
        ).fetchall()
        self._marked.clear()
        self._reading += 1
        return [Hour(*row) for row in rows]

    def _unmark(self, hours: Sequence[Hour]) -> None:
        """A mark of this reading was set after the hours were read: it stays."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "DELETE FROM marked_hours WHERE (measurement, hour) = (?,?) AND reading < ?",
            [(*hour, self._reading) for hour in hours],
        )
        self._db.execute("COMMIT")

    def _close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
