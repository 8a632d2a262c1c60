"""The promise: every hour that was written to is rolled up once it is over; none is forgotten."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.journal.entry import Entry, Hour
from collector.journal.journal import Journal
from collector.stores import StoreUnavailable
from collector.stores.query import HOUR, Aggregate, Point, Query
from collector.stores.rollup import BATCH, GRACE, RollUps, batches, due_before
from collector.stores.settings import DAY, SqliteSettings
from collector.stores.sqlite import SqliteStore
from parts.arrivals import arrival, sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

T0 = 1_700_000_000_000 // HOUR * HOUR
METER = "electricity_meter"

hours = st.builds(Hour, st.sampled_from("abc"), st.integers(0, 100).map(lambda n: n * HOUR))


@given(st.lists(hours, max_size=200))
def test_batches_hold_every_hour_once_and_few_at_a_time(marked: list[Hour]) -> None:
    found = list(batches(marked))

    assert sorted(itertools.chain(*(group for _, group in found))) == sorted(set(marked))
    assert all(len(group) <= BATCH for _, group in found)
    assert all(hour.measurement == name for name, group in found for hour in group)


@given(st.integers(0, 10**13))
def test_an_hour_is_due_when_it_is_over_and_its_grace_too(now: int) -> None:
    last = due_before(now) - HOUR

    assert last + HOUR + GRACE <= now < last + 2 * HOUR + GRACE


@dataclass
class Flaky(SqliteStore):
    """A store that is away as often as it is told to be."""

    settings: SqliteSettings
    away: int = 0
    rolled: list[int] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__(self.settings, lambda: T0 + 3 * HOUR)

    async def roll_up(self, measurement: str, hours: Sequence[int]) -> None:
        """As the store does, if it is there."""
        if self.away:
            self.away -= 1
            raise StoreUnavailable("on leave")
        await super().roll_up(measurement, hours)
        self.rolled += hours
        self.done.set()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Flaky]:
    opened = Flaky(SqliteSettings(path=tmp_path / "samples.db"))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    await opened.open()
    yield opened
    await opened.close()


def _marks(*starts: int) -> Entry:
    return Entry(hours=frozenset(Hour(METER, start) for start in starts))


async def test_marked_hours_are_rolled_up_and_their_marks_go(
    store: Flaky, journal: Journal
) -> None:
    await store.write([arrival([sample(T0 + n, {"power": float(n)}) for n in range(3)], at=T0)])
    await journal.commit(_marks(T0))

    await RollUps(store, journal, now=lambda: T0 + HOUR + GRACE).catch_up()

    query = Query(start=T0, end=T0 + HOUR, aggregate=Aggregate.MEAN, every=HOUR)
    store._now = lambda: T0 + 500 * DAY
    (series,) = await store.read(query)
    assert series.points == [Point(T0, 1.0, None, 3)]
    assert await journal.marked_hours(T0 + DAY) == []


async def test_the_hour_that_is_not_over_waits(store: Flaky, journal: Journal) -> None:
    await journal.commit(_marks(T0, T0 + HOUR))

    await RollUps(store, journal, now=lambda: T0 + 2 * HOUR + GRACE - 1).catch_up()

    assert store.rolled == [T0]
    assert await journal.marked_hours(T0 + DAY) == [Hour(METER, T0 + HOUR)]


async def test_an_hour_stays_marked_while_the_store_is_away(store: Flaky, journal: Journal) -> None:
    await journal.commit(_marks(T0))
    store.away = 1
    rollups = RollUps(store, journal, now=lambda: T0 + DAY)

    with pytest.raises(StoreUnavailable):
        await rollups.catch_up()

    assert await journal.marked_hours(T0 + DAY) == [Hour(METER, T0)]


async def test_one_measurement_that_fails_holds_up_no_other(store: Flaky, journal: Journal) -> None:
    marked = frozenset({Hour("a_first", T0), Hour(METER, T0)})
    await journal.commit(Entry(hours=marked))
    store.away = 1  # for the first of the two, by name

    with pytest.raises(StoreUnavailable):
        await RollUps(store, journal, now=lambda: T0 + 3 * HOUR).catch_up()

    assert store.rolled == [T0]
    assert await journal.marked_hours(T0 + HOUR) == [Hour("a_first", T0)]


async def test_it_goes_on_when_the_store_is_back(
    store: Flaky, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="collector.stores.rollup")
    await journal.commit(_marks(T0))
    store.away = 3
    running = asyncio.create_task(RollUps(store, journal, now=lambda: T0 + DAY, pause=0.01).run())

    async with asyncio.timeout(30):
        await store.done.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert store.rolled == [T0]
    assert caplog.text.count("wait for the store") == 1


async def test_a_mark_set_while_its_hour_is_rolled_up_stays(store: Flaky, journal: Journal) -> None:
    class Marking(Flaky):
        async def roll_up(self, measurement: str, hours: Sequence[int]) -> None:
            await super().roll_up(measurement, hours)
            await journal.commit(_marks(T0))

    marking = Marking(store.settings)
    await marking.open()
    await journal.commit(_marks(T0))

    await RollUps(marking, journal, now=lambda: T0 + DAY).catch_up()
    await marking.close()

    assert await journal.marked_hours(T0 + DAY) == [Hour(METER, T0)]


async def test_once_a_day_what_is_old_is_forgotten(store: Flaky, journal: Journal) -> None:
    await store.write([arrival([sample(T0, {"power": 1.0})], at=T0)])
    now = [T0]
    rollups = RollUps(store, journal, now=lambda: now[0])
    everything = Query(start=T0, end=T0 + HOUR)

    found = []
    for days in (0, 0.5, 600, 600.5):
        now[0] = T0 + round(days * DAY)
        await rollups.catch_up()
        found.append(len(await store.read(everything)))

    assert found == [1, 1, 0, 0]
