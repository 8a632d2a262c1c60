"""The outbox: where batches wait, through power cuts, until the collector has them.

One file, one connection, one thread of its own; opened when first needed, and anew after a fault
of the disk. A file that cannot be read is moved aside, what is whole in it is salvaged, and a new
one begins: nobody has to come to the cabinet. A disk that others have filled leaves a ballast file
to free, so that receipts can still be acted on (SQLite cannot delete without room either).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edge_agent.delivery.outbox_file import OutboxFile
from edge_agent.delivery.outbox_tables import Totals
from edge_agent.delivery.salvage import salvage, set_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edge_agent.delivery.batch import Batch
    from edge_agent.delivery.courier import Parcel, Span
    from telemetry.receipt import Receipt

log = logging.getLogger(__name__)

BALLAST = 4 * 1024 * 1024
"""Bytes: the size that SQLite's write-ahead log has before it is folded into the file."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}

T = TypeVar("T")


class OutboxInUse(Exception):
    """Another process has this outbox open: only one agent may send from it."""


class OutboxUnwritable(Exception):
    """The disk does not take or give what is asked; nothing was changed. Try again later."""


class OutboxFull(OutboxUnwritable):
    """The disk has no room left."""


class OutboxDamaged(OutboxUnwritable):
    """The file turned out to be damaged; the next call begins a new one with what is whole."""


class Outbox:
    """The batches on disk.

    Attributes:
        totals: as of the last commit.
        oldest_at: the first time (ms since epoch) in the oldest batch, or None.
        newest: the highest seq ever given.
        stream: of what is appended now; another one means another file.
    """

    def __init__(self, path: Path, *, machine: str, max_size: int, quarantine: int) -> None:
        """Nothing is opened yet.

        Args:
            path: of the file.
            machine: this machine's id (/etc/machine-id).
            max_size: bytes that the file may have; the oldest batches give way.
            quarantine: bytes of refused batches to keep.
        """
        self._path = path
        self._new_file = partial(
            OutboxFile, path, machine=machine, max_size=max_size, quarantine=quarantine
        )
        self._ballast = path.with_name(path.name + ".ballast")
        self._ballast_is_laid = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._file: OutboxFile | None = None
        self._lock: int | None = None
        self._is_damaged = False
        self.totals = Totals()
        self.oldest_at: int | None = None
        self.newest = 0
        self.stream = ""

    async def append(
        self,
        batches: Sequence[Batch],
        forget: Sequence[Receipt] = (),
        dropped: Totals = Totals(),  # noqa: B008 - a frozen value
    ) -> None:
        """In one commit: act on receipts, record drops that happened in memory, keep `batches`.

        When it returns they are on the disk; when it raises nothing has changed.

        Raises:
            OutboxUnwritable: or one of its kinds.
            OutboxInUse: if another process has it.
        """
        await self._call(lambda file: file.commit(batches, forget, dropped))

    async def read(self, span: Span) -> list[Parcel]:
        """The parcels of a span of the outbox, in order.

        Raises:
            OutboxUnwritable: or one of its kinds.
            OutboxInUse: if another process has it.
        """
        return await self._call(lambda file: file.read(span))

    async def newest_before(self, at: int) -> int:
        """The seq of the newest batch that holds nothing since `at` (ms since epoch), or 0.

        Raises:
            OutboxUnwritable: or one of its kinds.
            OutboxInUse: if another process has it.
        """
        return await self._call(lambda file: file.newest_before(at))

    async def close(self) -> None:
        """Fold the log into the file and let go of it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _call(self, act: Callable[[OutboxFile], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._act, act)

    # In the thread --------------------------------------------------------------------------

    def _act(self, act: Callable[[OutboxFile], T]) -> T:
        with self._faults():
            try:
                result = self._try(act)
            except sqlite3.OperationalError:
                if not self._free_ballast():
                    raise
                result = self._try(act)
            self._lay_ballast()
        return result

    def _try(self, act: Callable[[OutboxFile], T]) -> T:
        file = self._file or self._open()
        result = act(file)
        self.totals, self.oldest_at = file.totals, file.oldest_at
        self.newest, self.stream = file.newest, file.stream
        return result

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """The library's errors as ours; after one, the file is opened anew."""
        try:
            yield
        except sqlite3.Error as error:
            code = _code(error)
            message = f"outbox {self._path}: {error}"
            if code in _DAMAGED:
                self._close()
                self._is_damaged = True
                raise OutboxDamaged(message) from error
            if code == sqlite3.SQLITE_FULL:
                raise OutboxFull(message) from error
            if code in _UNWRITABLE:
                self._close()
                raise OutboxUnwritable(message) from error
            raise
        except OSError as error:
            raise OutboxUnwritable(f"outbox {self._path}: {error.strerror}") from error

    def _open(self) -> OutboxFile:
        self._take_lock()
        if not (self._is_damaged and self._path.exists()):
            try:
                self._file = self._new_file()
            except sqlite3.Error as error:
                if _code(error) not in _DAMAGED:
                    raise
        self._file = self._file or self._begin_anew()
        self._is_damaged = False
        return self._file

    def _begin_anew(self) -> OutboxFile:
        aside = set_aside(self._path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        file = self._new_file()
        saved = 0
        with suppress(sqlite3.Error):
            saved = file.restore(salvage(aside))
        log.error(
            "outbox: %s was damaged and is kept as %s; %d of its batches could be saved",
            self._path,
            aside.name,
            saved,
        )
        return file

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        path = self._path.with_name(self._path.name + ".lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise OutboxInUse(f"outbox {self._path}: another agent is running on it") from error
        self._lock = lock

    def _free_ballast(self) -> bool:
        """Give the disk's last room to SQLite, if want of room it is."""
        if not self._ballast.exists() or self._room() > BALLAST // 2:
            return False
        self._ballast.unlink()
        self._ballast_is_laid = False
        return True

    def _lay_ballast(self) -> None:
        if self._ballast_is_laid or self._room() < 4 * BALLAST:
            return
        with suppress(OSError), self._ballast.open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, BALLAST)
            self._ballast_is_laid = True

    def _room(self) -> int:
        return shutil.disk_usage(self._path.parent).free

    def _close(self) -> None:
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
            self._file = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; a fault of our own statements or calls has none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
