"""The journal's promise: what was committed is there after a crash, all of an entry or nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from collector.alarms.classify import Frontier
from collector.alarms.machine import Condition, State
from collector.alarms.memory import QUIET, AlarmKey, Held, Memory, StreamKey
from collector.alarms.transition import Kind, Series, Transition
from collector.journal.entry import DeadLetter, Entry, Hour
from collector.journal.journal import Journal, JournalClosed, JournalUnusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SERIES = Series("gw-1", "meter-1", "voltage")
KEY = AlarmKey("mains-high", SERIES)
RAISED = Transition(
    at=60_000,
    detected_at=61_000,
    kind=Kind.RAISED,
    rule="mains-high",
    revision=3,
    series=SERIES,
    occurrence="00ff",
    value=254.0,
)
PENDING = Held(State(Condition.PENDING, since=17), 3)
LETTER = DeadLetter("gw-1", "0123456789abcdef", 4, "meter-1", 99, "{}", "in the future")
HOUR = Hour("electricity_meter", 3_600_000)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[Journal, Memory]]:
    async with Journal(path) as journal:
        yield journal, await journal.open()


async def test_the_engines_memory_comes_back(tmp_path: Path) -> None:
    memory = Memory(
        alarms={
            KEY: PENDING,
            AlarmKey("other", SERIES): Held(State(Condition.ACTIVE, 0, 60, None, acked=True), 1),
        },
        frontiers={
            SERIES: Frontier(5, 230.0, 5),
            Series("gw-1", "meter-1", "door"): Frontier(6, value=True, good_at=6),
            Series("gw-1", "meter-1", "count"): Frontier(7, 2**63 - 1, 7),
            Series("gw-1", "meter-1", "text"): Frontier(8, "mở", 8),
            Series("gw-1", "meter-1", "lost"): Frontier(9, None, None),
        },
        streams={StreamKey("gw-1", "0123456789abcdef"): ((1, 5), (9, 9))},
    )
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(Entry(memory=memory))

    async with opened(tmp_path / "j.db") as (_, restored):
        assert restored == memory
        assert type(restored.frontiers[Series("gw-1", "meter-1", "door")].value) is bool


async def test_a_quiet_alarm_is_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(Entry(memory=Memory(alarms={KEY: PENDING})))
        await journal.commit(Entry(memory=Memory(alarms={KEY: Held(QUIET, 3)})))

    async with opened(tmp_path / "j.db") as (_, restored):
        assert restored.alarms == {}


async def test_transitions_come_back_in_order(tmp_path: Path) -> None:
    acknowledged = replace(
        RAISED, kind=Kind.ACKNOWLEDGED, value=None, who="an", comment="on my way"
    )
    other = replace(RAISED, occurrence="ff00", value=True)
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(Entry([RAISED, other]))
        await journal.commit(Entry([acknowledged]))

        everything = await journal.transitions()
        later = await journal.transitions(after=everything[0][0])
        one = await journal.occurrence("00ff")

    assert [transition for _, transition in everything] == [RAISED, other, acknowledged]
    assert later == everything[1:]
    assert one == [RAISED, acknowledged]


async def test_a_dead_letter_is_kept_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(Entry(dead_letters=[LETTER, LETTER]))
        await journal.commit(Entry(dead_letters=[LETTER, replace(LETTER, seq=5)]))

        kept = await journal.dead_letters()

        assert [letter for _, letter in kept] == [LETTER, replace(LETTER, seq=5)]
        assert await journal.count_dead_letters() == 2


async def test_hours_are_marked_until_they_are_unmarked(tmp_path: Path) -> None:
    later = Hour(HOUR.measurement, HOUR.start * 2)
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(Entry(hours=frozenset({HOUR, later})))

        assert await journal.marked_hours(before=later.start) == [HOUR]

    async with opened(tmp_path / "j.db") as (journal, _):
        assert await journal.marked_hours(before=later.start + 1) == [HOUR, later]
        await journal.unmark_hours([HOUR])
        assert await journal.marked_hours(before=later.start + 1) == [later]


async def test_a_mark_that_was_set_while_the_hour_was_rolled_up_stays(tmp_path: Path) -> None:
    mark = Entry(hours=frozenset({HOUR}))
    async with opened(tmp_path / "j.db") as (journal, _):
        await journal.commit(mark)
        hours = await journal.marked_hours(before=10**12)

        await journal.commit(mark)
        await journal.unmark_hours(hours)

        assert await journal.marked_hours(before=10**12) == [HOUR]


async def test_an_entry_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with opened(path) as (journal, _):
        await journal.commit(Entry([RAISED]))
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE dead_letters")
        other.close()
        refused = Entry([RAISED], Memory(alarms={KEY: PENDING}), dead_letters=[LETTER])
        commit = asyncio.create_task(journal.commit(refused))
        await asyncio.sleep(0)
    with pytest.raises(JournalClosed):
        await commit

    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM transitions").fetchone() == (1,)
        assert other.execute("SELECT count(*) FROM alarm_state").fetchone() == (0,)
    other.close()


async def test_a_refused_commit_succeeds_when_the_disk_takes_it_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "j.db"
    async with opened(path) as (journal, _):
        journal._thread.submit(journal._db.execute, "PRAGMA busy_timeout=0").result()
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        commit = asyncio.create_task(journal.commit(Entry([RAISED])))
        while "cannot write" not in caplog.text:  # noqa: ASYNC110 - a log line has no event
            await asyncio.sleep(0.01)
        assert not commit.done()

        blocker.execute("ROLLBACK")
        blocker.close()
        await commit

        assert await journal.occurrence("00ff") == [RAISED]
    assert caplog.text.count("cannot write") == 1


async def test_a_file_of_another_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()

    with pytest.raises(JournalUnusable, match="version 99 is not ours"):
        async with opened(path):
            pass


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(b"not a database, but long enough to look like a file of something" * 20)

    with pytest.raises(JournalUnusable, match=r"j\.db"):
        async with opened(path):
            pass


WRITER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from collector.alarms.classify import Frontier
from collector.alarms.memory import AlarmKey, Held, Memory, StreamKey
from collector.alarms.machine import Condition, State
from collector.alarms.transition import Kind, Series, Transition
from collector.journal.entry import Entry
from collector.journal.journal import Journal

SERIES = Series("gw-1", "meter-1", "voltage")

def entry(n):
    state = Held(State(Condition.PENDING, since=n), 1)
    return Entry(
        [Transition(at=n, detected_at=n, kind=Kind.RAISED, rule="r", revision=1, series=SERIES,
                    occurrence=str(n))],
        Memory({AlarmKey("r", SERIES): state}, {SERIES: Frontier(n, 1.0, n)},
               {StreamKey("gw-1", "s"): ((1, n),)}),
    )

async def main():
    journal = Journal(Path(sys.argv[1]))
    memory = await journal.open()
    n = memory.frontiers[SERIES].at if memory.frontiers else 0
    while True:
        n += 1
        await journal.commit(entry(n))
        print(n, flush=True)

asyncio.run(main())
"""


def test_what_was_committed_outlives_kill_9(tmp_path: Path) -> None:
    path, told = tmp_path / "j.db", 0
    for commits in (1, 7, 40, 2, 90):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(commits):
            told = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        told = int(rest[-1]) if rest and rest[-1].isdigit() else told
        process.wait()
        process.stdout.close()

        memory, occurrences = asyncio.run(_read(path))

        (held,) = memory.alarms.values()
        kept = held.state.since
        assert kept in (told, told + 1), "a commit is lost, or was not answered for"
        assert memory.frontiers[SERIES].at == kept
        assert list(memory.streams.values()) == [((1, kept),)]
        assert occurrences == [str(n) for n in range(1, kept + 1)]


async def _read(path: Path) -> tuple[Memory, list[str]]:
    async with opened(path) as (journal, memory):
        return memory, [t.occurrence for _, t in await journal.transitions(limit=10**6)]
