"""Promise: what was appended is there until its own receipt comes, whatever happens to the file.

Beyond its size the oldest gives way and is counted; a full or failing disk changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.delivery.batch import Batch
from edge_agent.delivery.courier import Parcel, Span
from edge_agent.delivery.outbox import Outbox, OutboxDamaged, OutboxInUse, OutboxUnwritable
from edge_agent.delivery.outbox_file import OutboxFile, UnknownFormat
from edge_agent.delivery.outbox_tables import Totals
from parts.processes import missing
from telemetry.receipt import Outcome, Receipt, checksum
from telemetry.topics import SEQ_MAX, Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MACHINE = "4c4c4544"
MAX_SIZE = 4_000_000
ALL = Span(lane=Lane.BACKLOG, after=0, upto=SEQ_MAX, limit=1_000_000, turn=0)


def batch(n: int, size: int = 100) -> Batch:
    payload = n.to_bytes(8, "big") * (size // 8)
    return Batch(
        first_at=n * 1000,
        last_at=n * 1000 + 500,
        samples=3,
        payload=payload,
        crc=checksum(payload),
    )


def new_outbox(path: Path, *, machine: str = MACHINE, quarantine: int = 1_000_000) -> Outbox:
    return Outbox(path, machine=machine, max_size=MAX_SIZE, quarantine=quarantine)


def stored(parcel: Parcel) -> Receipt:
    return Receipt(parcel.stream, parcel.seq, parcel.crc, Outcome.STORED)


def refused(parcel: Parcel) -> Receipt:
    return Receipt(parcel.stream, parcel.seq, parcel.crc, Outcome.REFUSED, "version 7 is not 1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
async def outbox(path: Path) -> AsyncIterator[Outbox]:
    outbox = new_outbox(path)
    yield outbox
    await outbox.close()


async def test_the_very_bytes_come_back_in_order(outbox: Outbox) -> None:
    await outbox.append([batch(1), batch(2)])

    first, second = await outbox.read(ALL)

    assert (first.seq, second.seq) == (1, 2)
    assert [first.payload, second.payload] == [batch(1).payload, batch(2).payload]
    assert second.last_at == 2500
    assert outbox.newest == 2
    assert outbox.oldest_at == 1000
    assert outbox.totals == Totals(batches=2, samples=6, bytes=len(batch(1).payload) * 2)


async def test_a_span_is_a_limited_piece(outbox: Outbox) -> None:
    await outbox.append([batch(n) for n in range(1, 10)])

    parcels = await outbox.read(Span(lane=Lane.LIVE, after=2, upto=7, limit=4, turn=0))

    assert [parcel.seq for parcel in parcels] == [3, 4, 5, 6]


async def test_the_newest_old_batch_is_found(outbox: Outbox) -> None:
    await outbox.append([batch(n) for n in (1, 2, 9, 3, 10)])

    assert await outbox.newest_before(3501) == 4
    assert await outbox.newest_before(1000) == 0


async def test_a_receipt_deletes_only_with_the_right_stream_seq_and_checksum(
    outbox: Outbox,
) -> None:
    await outbox.append([batch(1), batch(2)])
    one, two = await outbox.read(ALL)

    await outbox.append(
        [],
        [
            Receipt("0" * 16, one.seq, one.crc, Outcome.STORED),
            Receipt(one.stream, one.seq, one.crc ^ 1, Outcome.STORED),
            Receipt(one.stream, 99, one.crc, Outcome.STORED),
            stored(two),
        ],
    )

    assert await outbox.read(ALL) == [one]
    assert (outbox.totals.batches, outbox.totals.delivered) == (1, 3)


async def test_a_seq_is_never_given_twice_even_after_everything_was_delivered(path: Path) -> None:
    for expected in (1, 2, 3):
        outbox = new_outbox(path)
        await outbox.append([batch(expected)])
        (parcel,) = await outbox.read(ALL)
        assert parcel.seq == expected
        await outbox.append([], [stored(parcel)])
        await outbox.close()


async def test_counts_survive_a_restart(path: Path) -> None:
    outbox = new_outbox(path)
    await outbox.append([batch(1), batch(2)], (), Totals(dropped_batches=2, dropped_samples=5))
    await outbox.close()

    again = new_outbox(path)
    await again.append([])
    await again.close()

    assert again.totals == outbox.totals
    assert (again.totals.dropped_batches, again.totals.dropped_samples) == (2, 5)


async def test_refused_batches_are_kept_aside_with_the_reason_the_oldest_giving_way(
    path: Path,
) -> None:
    outbox = new_outbox(path, quarantine=2000)
    await outbox.append([batch(n, 800) for n in (1, 2, 3)])
    parcels = await outbox.read(ALL)

    await outbox.append([], [refused(parcel) for parcel in parcels])
    await outbox.close()

    with closing(sqlite3.connect(path)) as db:
        kept = db.execute("SELECT seq, payload, reason FROM quarantine ORDER BY seq").fetchall()
    assert kept == [(n, batch(n, 800).payload, "version 7 is not 1") for n in (2, 3)]
    assert (outbox.totals.refused, outbox.totals.dropped_samples) == (3, 3)


async def test_a_full_outbox_can_still_put_a_refused_batch_aside(outbox: Outbox) -> None:
    for n in range(1, 301):
        await outbox.append([batch(n, 20_000)])
    *_, parcel = await outbox.read(ALL)

    await outbox.append([batch(301, 20_000)], [refused(parcel)])

    assert outbox.totals.refused == 1
    assert (await outbox.read(ALL))[-1].payload == batch(301, 20_000).payload


async def test_on_another_machine_a_new_stream_starts_and_old_rows_keep_theirs(path: Path) -> None:
    outbox = new_outbox(path)
    await outbox.append([batch(1)])
    await outbox.close()

    clone = new_outbox(path, machine="another")
    await clone.append([batch(2)])
    one, two = await clone.read(ALL)
    await clone.append([], [Receipt(one.stream, two.seq, two.crc, Outcome.STORED)])

    assert one.stream != two.stream
    assert await clone.read(ALL) == [one, two]
    await clone.close()


async def test_the_same_machine_goes_on_with_its_stream(path: Path) -> None:
    for n in (1, 2):
        outbox = new_outbox(path)
        await outbox.append([batch(n)])
        parcels = await outbox.read(ALL)
        await outbox.close()

    assert len({parcel.stream for parcel in parcels}) == 1


async def test_beyond_its_size_the_oldest_gives_way_and_is_counted(
    path: Path, outbox: Outbox
) -> None:
    for n in range(1, 301):
        await outbox.append([batch(n, 32_000)])

    parcels = await outbox.read(ALL)
    kept = [parcel.seq for parcel in parcels]
    assert kept == list(range(301 - len(kept), 301))
    assert len(kept) > 100
    assert outbox.totals.batches == len(kept)
    assert outbox.totals.dropped_batches == 300 - len(kept)
    assert outbox.totals.dropped_samples == 3 * (300 - len(kept))
    assert await asyncio.to_thread(lambda: path.stat().st_size) <= MAX_SIZE


async def test_one_agent_at_a_time(path: Path, outbox: Outbox) -> None:
    await outbox.append([])
    second = new_outbox(path)

    with pytest.raises(OutboxInUse, match="another agent is running on it"):
        await second.append([])
    await second.close()


async def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    outbox = new_outbox(path)

    with pytest.raises(UnknownFormat, match="format 2; this program knows 1"):
        await outbox.append([])
    await outbox.close()


async def test_a_disk_that_is_not_there_is_told_and_used_when_it_comes(tmp_path: Path) -> None:
    directory = tmp_path / "mount"
    outbox = new_outbox(directory / "outbox.db")

    with pytest.raises(OutboxUnwritable):
        await outbox.append([batch(1)])
    directory.mkdir()
    await outbox.append([batch(1)])

    assert len(await outbox.read(ALL)) == 1
    await outbox.close()


@pytest.fixture
def garbage(path: Path) -> bytes:
    """What stands in the file."""
    path.write_bytes(b"\xa5" * 10_000)
    return path.read_bytes()


async def test_a_file_that_is_no_database_is_moved_aside_and_said(
    path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = new_outbox(path)

    await outbox.append([batch(1)])

    assert [parcel.seq for parcel in await outbox.read(ALL)] == [1]
    await outbox.close()
    (aside,) = path.parent.glob("outbox.db.damaged-*")
    assert aside.read_bytes() == garbage
    assert "was damaged and is kept as" in caplog.text


async def test_what_is_whole_in_a_damaged_file_is_salvaged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = new_outbox(path)
    await outbox.append([batch(n, 1000) for n in range(1, 401)])
    before = await outbox.read(ALL)
    await outbox.close()
    with path.open("r+b") as file:
        file.seek(50 * 4096)
        file.write(b"\xff" * 4096)

    with caplog.at_level(logging.ERROR):
        outbox = new_outbox(path)
        with pytest.raises(OutboxDamaged):
            await outbox.read(ALL)
        await outbox.append([batch(500)])
    after = await outbox.read(ALL)
    await outbox.close()

    assert len(after) > 300
    assert set(after[:-1]) <= set(before)
    assert after[-1].stream != before[0].stream
    assert after[-1].seq > before[-1].seq
    assert outbox.totals.batches == len(after)
    assert f"{len(after) - 1} of its batches could be saved" in caplog.text


async def test_a_batch_that_the_disk_has_spoilt_is_not_sent(path: Path) -> None:
    outbox = new_outbox(path)
    await outbox.append([batch(n) for n in (1, 2, 3)])
    await outbox.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE batches SET payload = x'00' WHERE seq = 2")

    outbox = new_outbox(path)
    parcels = await outbox.read(ALL)
    await outbox.close()

    assert [parcel.seq for parcel in parcels] == [1, 3]
    assert outbox.totals.refused == 1


APPENDER = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from edge_agent.delivery.batch import Batch
from edge_agent.delivery.outbox_file import OutboxFile
from edge_agent.delivery.outbox_tables import Totals
from telemetry.receipt import checksum
file = OutboxFile(Path(sys.argv[1]), machine="m", max_size=50_000_000, quarantine=0)
for n in range(10**9):
    payload = b"%d" % n * 50
    batch = Batch(first_at=n, last_at=n, samples=1, payload=payload, crc=checksum(payload))
    file.commit([batch], [], Totals())
    print(n, flush=True)
"""


def test_every_acknowledged_append_survives_kill_9(path: Path) -> None:
    acknowledged = -1
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(40):
                acknowledged = int(process.stdout.readline())
            process.kill()
            acknowledged = max(acknowledged, *map(int, process.stdout.read().split()), 0)

        file = OutboxFile(path, machine="m", max_size=50_000_000, quarantine=0)
        parcels = file.read(ALL)
        written = [b"%d" % n * 50 for n in range(len(parcels))]
        assert [parcel.payload for parcel in parcels] == written
        assert len(parcels) > acknowledged
        file.commit([], [stored(parcel) for parcel in parcels], Totals())
        file.close()


FULL_DISK = """
import asyncio, sys
from pathlib import Path
from tempfile import TemporaryDirectory
sys.path.insert(0, sys.argv[2])
from edge_agent.delivery.batch import Batch
from edge_agent.delivery.outbox import Outbox, OutboxFull
from telemetry.receipt import checksum, Receipt, Outcome
from edge_agent.delivery.courier import Span
from telemetry.topics import Lane
ALL = Span(lane=Lane.LIVE, after=0, upto=2**62, limit=10**6, turn=0)

def batch(n):
    payload = n.to_bytes(8, "big") * 4000
    return Batch(first_at=n, last_at=n, samples=1, payload=payload, crc=checksum(payload))

def new_outbox(disk):
    return Outbox(disk / "outbox.db", machine="m", max_size=10**9, quarantine=0)

async def main():
    disk = Path(sys.argv[1])
    outbox = new_outbox(disk)
    for n in range(100):
        await outbox.append([batch(n)])
    await outbox.close()
    stuffing = disk / "stuffing"
    try:
        with stuffing.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
    except OSError:
        pass
    outbox = new_outbox(disk)
    parcels = await outbox.read(ALL)
    stored = [Receipt(p.stream, p.seq, p.crc, Outcome.STORED) for p in parcels[:50]]
    await outbox.append([], stored)
    assert not (disk / "outbox.db.ballast").exists()
    appended = 100
    try:
        while True:
            await outbox.append([batch(appended)])
            appended += 1
    except OutboxFull:
        pass
    parcels = await outbox.read(ALL)
    assert [p.payload for p in parcels] == [batch(n).payload for n in range(50, appended)]
    stuffing.unlink()
    await outbox.append([batch(appended)])
    assert len(await outbox.read(ALL)) == appended - 49
    assert (disk / "outbox.db.ballast").exists()
    await outbox.close()
    print("survived", appended)

asyncio.run(main())
"""


def test_a_disk_filled_by_others_loses_nothing_and_heals(tmp_path: Path) -> None:
    script = tmp_path / "full.py"
    script.write_text(FULL_DISK)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=32m none {disk}"
    may_mount = subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False)
    if may_mount.returncode:
        missing("no right to mount a small disk")

    run = f"{mount} && {sys.executable} {script} {disk} {Path.cwd()}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", run], capture_output=True, text=True, check=False
    )

    assert "survived" in done.stdout, done.stderr


class _Keeping(RuleBasedStateMachine):
    """The file beside a list of what should be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.file = self.open()
        self.model: list[Parcel] = []
        self.appended = 0
        self.delivered = 0

    def open(self) -> OutboxFile:
        path = Path(self.directory.name) / "outbox.db"
        return OutboxFile(path, machine="m", max_size=MAX_SIZE, quarantine=1_000_000)

    @rule(sizes=st.lists(st.sampled_from([8, 3000, 200_000]), max_size=5), data=st.data())
    def commit(self, sizes: list[int], data: st.DataObject) -> None:
        receipted = data.draw(st.lists(st.sampled_from(self.model))) if self.model else []
        wrong = [Receipt(p.stream, p.seq, p.crc ^ 1, Outcome.STORED) for p in self.model]
        new = [batch(self.appended + n, size) for n, size in enumerate(sizes, 1)]

        self.file.commit(new, [*wrong, *map(stored, receipted)], Totals())

        self.delivered += 3 * len(set(receipted))
        self.model = [parcel for parcel in self.model if parcel not in receipted]
        for added in new:
            self.appended += 1
            self.model.append(
                Parcel(
                    seq=self.appended,
                    stream=self.file.stream,
                    crc=added.crc,
                    last_at=added.last_at,
                    payload=added.payload,
                )
            )

    @rule()
    def reopen(self) -> None:
        self.file.close()
        self.file = self.open()

    @invariant()
    def what_is_missing_was_the_oldest_and_is_counted(self) -> None:
        kept = self.file.read(ALL)
        assert kept == self.model[len(self.model) - len(kept) :]
        self.model = kept
        totals = self.file.totals
        assert (totals.batches, totals.samples) == (len(kept), 3 * len(kept))
        assert totals.bytes == sum(len(parcel.payload) for parcel in kept)
        assert totals.delivered == self.delivered
        assert totals.dropped_samples == 3 * self.appended - self.delivered - totals.samples
        assert self.file.newest == self.appended

    def teardown(self) -> None:
        self.file.close()
        self.directory.cleanup()


_Keeping.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestTheFileKeepsWhatItWasGiven = _Keeping.TestCase
