"""The promise: every store keeps the same samples in the same way, and gives the same answers."""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.stores import SeriesName, Store, StoreUnavailable
from collector.stores.influx import InfluxStore
from collector.stores.influx_init import Admin, initialise
from collector.stores.query import HOUR, Aggregate, Point, Query, Wanted
from collector.stores.settings import DAY, InfluxSettings, SqliteSettings
from collector.stores.sqlite import SqliteStore
from parts.arrivals import METER, arrival, sample
from parts.influxd2 import influxd2
from telemetry.envelope import Device
from telemetry.sample import Flag

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from parts.influxd import Influxd
    from telemetry.sample import Sample, Value

NOW = time.time_ns() // 1_000_000
T0 = (NOW - 30 * HOUR) // DAY * DAY
"""A midnight not long ago: servers forget what is old by their own clock."""

SECOND = 1_000
_numbers = itertools.count()


@dataclass
class Bench:
    """A store under test, and a clock that it can be given."""

    make: Callable[[Callable[[], int]], Store]
    clock: list[int] = field(default_factory=lambda: [NOW])

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        """The store, open; what was written before is in it."""
        store = self.make(lambda: self.clock[0])
        await store.open()
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture(params=["sqlite", "influxdb-1", "influxdb-2"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """An empty store of each kind."""
    return request.getfixturevalue("new_bench")()  # type: ignore[no-any-return]


@pytest.fixture
def new_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Bench]:
    """Makes as many empty stores as one likes."""
    kind = request.node.callspec.params["bench" if "bench" in request.fixturenames else "kind"]
    if kind == "sqlite":
        return lambda: _sqlite(tmp_path / f"{next(_numbers)}.db")
    if kind == "influxdb-1":
        server: Influxd = request.getfixturevalue("influx_server")
        return lambda: _influx(InfluxSettings(version=1, url=server.url, database=_database()))
    admin, make = request.getfixturevalue("influx_server_2")
    return lambda: _influx(make(tmp_path / f"{next(_numbers)}.token"), admin)


@pytest.fixture(scope="session")
def influx_server_2(
    tmp_path_factory: pytest.TempPathFactory,
) -> object:
    """One InfluxDB 2 for the whole run, if there is a program for it."""
    with influxd2(tmp_path_factory.mktemp("influxd2")) as server:

        def make(token: Path) -> InfluxSettings:
            return InfluxSettings(
                version=2, url=server.url, org=server.org, database=_database(), secret_file=token
            )

        yield Admin(server.admin_token), make


def _database() -> str:
    return f"contract{next(_numbers)}"


def _sqlite(path: Path) -> Bench:
    return Bench(lambda now: SqliteStore(SqliteSettings(path=path), now))


def _influx(settings: InfluxSettings, admin: Admin | None = None) -> Bench:
    initialise(settings, admin or Admin(""))
    return Bench(lambda now: InfluxStore(settings, now))


def _day(**parts: object) -> Query:
    return Query(**{"start": T0, "end": T0 + DAY, **parts})  # type: ignore[arg-type]


async def _points(store: Store, **parts: object) -> dict[str, list[Point]]:
    return {series.channel: series.points for series in await store.read(_day(**parts))}


async def test_each_stored_type_comes_back_as_it_was(bench: Bench) -> None:
    values: dict[str, Value] = {
        "power": 50.0,
        "big": 2**63 - 1,
        "small": -(2**63),
        "running": True,
        "mode": 'a\\"b\n',
    }
    async with bench.opened() as store:
        written = await store.write([arrival([sample(T0, values)], at=NOW)])

        points = await _points(store)

    assert written.rejected == ()
    assert {name: found[0].value for name, found in points.items()} == {**values, "running": 1}
    assert type(points["power"][0].value) is float
    assert type(points["big"][0].value) is int


async def test_what_was_written_is_there_after_it_is_opened_again(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"power": 1.5})], at=NOW)])

    async with bench.opened() as store:
        await store.open()
        points = await _points(store)

    assert points == {"power": [Point(T0, 1.5)]}


async def test_a_resend_changes_nothing(bench: Bench) -> None:
    sent = [
        arrival([sample(T0 + n, {"power": n / 2}, {"power": "suspect:spike"})], at=NOW)
        for n in range(10)
    ]
    async with bench.opened() as store:
        await store.write(sent)
        before = await _points(store, quality=Wanted.ALL)

        written = await store.write(sent + sent[:3])

        assert await _points(store, quality=Wanted.ALL) == before
        assert written.conflicts == 0


async def test_late_samples_take_their_place_in_time(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0 + 2000, {"power": 3.0})], at=NOW)])
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)])
        await store.write([arrival([sample(T0 + 1000, {"power": 2.0})], at=NOW)])

        points = await _points(store)

    assert [point.value for point in points["power"]] == [1.0, 2.0, 3.0]


async def test_two_samples_of_one_instant_become_one_row(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write(
            [arrival([sample(T0, {"power": 1.0}), sample(T0, {"voltage": 2.0})], at=NOW)]
        )

        points = await _points(store)

    assert points == {"power": [Point(T0, 1.0)], "voltage": [Point(T0, 2.0)]}


async def test_the_last_of_two_values_for_one_instant_wins(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)])
        await store.write([arrival([sample(T0, {"power": 2.0})], at=NOW)])

        assert await _points(store) == {"power": [Point(T0, 2.0)]}


async def test_good_only_leaves_out_what_is_flagged(bench: Bench) -> None:
    samples = [
        sample(T0, {"power": 1.0}),
        sample(T0 + 1, {"power": 900.0}, {"power": "suspect:out_of_range"}),
        sample(T0 + 2, {}, {"power": "missing:no_reply"}),
    ]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        assert await _points(store) == {"power": [Point(T0, 1.0)]}


async def test_all_gives_the_doubted_and_the_missing_with_their_flags(bench: Bench) -> None:
    samples = [
        sample(T0, {"power": 1.0}),
        sample(T0 + 1, {"power": 900.0}, {"power": "suspect:out_of_range"}),
        sample(T0 + 2, {}, {"power": "missing:no_reply"}),
        sample(T0 + 3, {}, {"never": "missing:illegal_address"}),
    ]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, quality=Wanted.ALL)

    assert points == {
        "power": [
            Point(T0, 1.0),
            Point(T0 + 1, 900.0, Flag.parse("suspect:out_of_range")),
            Point(T0 + 2, None, Flag.parse("missing:no_reply")),
        ],
        "never": [Point(T0 + 3, None, Flag.parse("missing:illegal_address"))],
    }


@pytest.mark.parametrize(
    ("aggregate", "first", "second"),
    [
        (Aggregate.MEAN, 2.0, 10.0),
        (Aggregate.MIN, 1.0, 10.0),
        (Aggregate.MAX, 3.0, 10.0),
        (Aggregate.SUM, 6.0, 10.0),
        (Aggregate.COUNT, 3, 1),
        (Aggregate.FIRST, 3.0, 10.0),
        (Aggregate.LAST, 2.0, 10.0),
    ],
)
async def test_a_bucket_holds_what_its_values_come_to(
    bench: Bench, aggregate: Aggregate, first: float, second: float
) -> None:
    values = [(0, 3.0), (1, 1.0), (2, 2.0), (60, 10.0)]
    samples = [sample(T0 + at * SECOND, {"power": value}) for at, value in values]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, aggregate=aggregate, every=60 * SECOND)

    minute = T0 + 60 * SECOND
    assert points == {"power": [Point(T0, first, None, 3), Point(minute, second, None, 1)]}


async def test_without_a_width_the_range_is_one_bucket(bench: Bench) -> None:
    samples = [sample(T0 + n * HOUR, {"power": float(n)}) for n in range(5)]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, aggregate=Aggregate.MAX, start=T0 + 1)

    assert points == {"power": [Point(T0 + 1, 4.0, None, 4)]}


async def test_buckets_begin_where_the_offset_says(bench: Bench) -> None:
    samples = [sample(T0 + n * HOUR, {"power": float(n)}) for n in range(24)]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, aggregate=Aggregate.FIRST, every=DAY, offset=-7 * HOUR)

    assert points == {
        "power": [Point(T0 - 7 * HOUR, 0.0, None, 17), Point(T0 + 17 * HOUR, 17.0, None, 7)]
    }


async def test_the_mean_of_a_bool_is_its_share_of_time(bench: Bench) -> None:
    samples = [sample(T0 + n, {"running": n < 3}) for n in range(4)]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, aggregate=Aggregate.MEAN)

    assert points == {"running": [Point(T0, 0.75, None, 4)]}


async def test_doubted_values_count_in_an_aggregate_only_if_wanted(bench: Bench) -> None:
    samples = [
        sample(T0, {"power": 1.0}),
        sample(T0 + 1, {"power": 4.0}, {"power": "suspect:spike"}),
        sample(T0 + 2, {"power": 1.0}),
    ]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        good = await _points(store, aggregate=Aggregate.MEAN)
        both = await _points(store, aggregate=Aggregate.MEAN, quality=Wanted.ALL)

    assert good == {"power": [Point(T0, 1.0, None, 2)]}
    assert both["power"][0].count == 3
    assert both["power"][0].value == pytest.approx(2.0)


async def test_text_is_counted_but_has_no_mean(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"mode": "auto", "power": 1.0})], at=NOW)])

        assert set(await _points(store, aggregate=Aggregate.MEAN)) == {"power"}
        last = await _points(store, aggregate=Aggregate.LAST, channels=("mode",))
        assert last == {"mode": [Point(T0, "auto", None, 1)]}


async def test_the_range_is_half_open(bench: Bench) -> None:
    samples = [sample(T0 + n, {"power": float(n)}) for n in range(4)]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        points = await _points(store, start=T0 + 1, end=T0 + 3)

    assert [point.at for point in points["power"]] == [T0 + 1, T0 + 2]


async def test_the_limit_keeps_the_oldest_points_of_each_channel(bench: Bench) -> None:
    samples = [
        sample(T0 + n, {"power": float(n)} | ({"voltage": 1.0} if n > 5 else {})) for n in range(9)
    ]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])

        raw = await _points(store, limit=2)
        counted = await _points(store, limit=2, end=T0 + 99, aggregate=Aggregate.COUNT, every=1)

    assert [point.at for point in raw["power"]] == [T0, T0 + 1]
    assert [point.at for point in raw["voltage"]] == [T0 + 6, T0 + 7]
    assert [point.at for point in counted["voltage"]] == [T0 + 6, T0 + 7]


async def test_names_choose_the_series(bench: Bench) -> None:
    other = Device("pump-1", "acme-2", 1, "pump")
    async with bench.opened() as store:
        for agent in ("agent-1", "agent-2"):
            samples = [sample(T0, {"power": 1.0}), sample(T0, {"flow": 2.0}, device=other.id)]
            await store.write([arrival(samples, at=NOW, agent=agent, devices=(METER, other))])

        everything = await store.read(_day())
        one = await store.read(_day(agent="agent-2", device="pump-1"))
        profile = await store.read(_day(profile="acme-1"))
        measurement = await store.read(_day(measurement="pump", channels=("flow", "power")))

    assert len(everything) == 4
    assert [(s.agent, s.device, s.channel) for s in one] == [("agent-2", "pump-1", "flow")]
    assert {(s.agent, s.channel) for s in profile} == {("agent-1", "power"), ("agent-2", "power")}
    assert {(s.agent, s.channel) for s in measurement} == {("agent-1", "flow"), ("agent-2", "flow")}


async def test_the_catalogue_names_every_series(bench: Bench) -> None:
    async with bench.opened() as store:
        assert await store.catalogue() == []

        flags = {"current": "missing:no_reply"}
        await store.write([arrival([sample(T0, {"power": 1.0}, flags)], at=NOW)])
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW, agent="agent-0")])
        await store.roll_up("electricity_meter", [T0])

        channels = ("current", "power")
        assert await store.catalogue() == [
            SeriesName("agent-0", "meter-1", "acme-1", "electricity_meter", channels),
            SeriesName("agent-1", "meter-1", "acme-1", "electricity_meter", channels),
        ]


async def test_a_changed_type_is_rejected_and_blocks_nobody(bench: Bench) -> None:
    samples = [sample(T0 + n, {"power": float(n)}) for n in range(20)]
    samples[7] = sample(T0 + 7, {"power": 7})
    samples[13] = sample(T0 + 13, {"power": "thirteen"})
    async with bench.opened() as store:
        await store.write([arrival(samples[:1], at=NOW)])

        written = await store.write([arrival(samples, at=NOW)])

        points = await _points(store)
    assert [rejected.sample for rejected in written.rejected] == [samples[7], samples[13]]
    assert all("power" in rejected.reason for rejected in written.rejected)
    assert len(points["power"]) == 18


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (sample(T0, {"power": float("nan")}), "power"),
        (sample(T0, {"count": 2**63}), "count"),
        (sample(T0, {"mode": "\ud800"}), "mode"),
        (sample(T0, {"mode": "x" * 1025}), "mode"),
        (sample(T0, {'x" = 1; --': 1.0}), "channel name"),
        (sample(T0, {}, {"Power": "missing:no_reply"}), "channel name"),
        (sample(T0, {"power": 2.0, "time": 1.0}), "'time'"),
        (sample(T0, {"power": 2.0, "device": "x"}), "'device'"),
        (sample(T0, {"x": 1.0}, device="stranger"), "stranger"),
        (sample(T0, {"x": 1.0}, device="odd"), "SELECT"),
        (sample(-1, {"power": 1.0}), "-1"),
        (sample(2**62, {"power": 1.0}), str(2**62)),
        (sample(NOW - 401 * DAY, {"power": 1.0}), "400 days"),
    ],
)
async def test_what_no_store_can_hold_is_rejected_with_the_reason(
    bench: Bench, bad: Sample, reason: str
) -> None:
    good = sample(T0 + 1, {"power": 1.0})
    odd = Device("odd", "acme-1", 1, "SELECT")
    async with bench.opened() as store:
        written = await store.write([arrival([bad, good], at=NOW, devices=(METER, odd))])

        assert await _points(store) == {"power": [Point(T0 + 1, 1.0)]}
    assert [rejected.sample for rejected in written.rejected] == [bad]
    assert reason in written.rejected[0].reason


async def test_an_empty_sample_is_nothing(bench: Bench) -> None:
    async with bench.opened() as store:
        written = await store.write([arrival([sample(T0, {})], at=NOW)])

        assert written.rejected == ()
        assert await store.read(_day()) == []


async def test_hours_answer_when_raw_samples_are_older_than_what_is_kept(bench: Bench) -> None:
    samples = [
        sample(T0 + n * 60 * SECOND, {"power": float(n), "count": n, "running": n % 2 == 0})
        for n in range(180)
    ]
    samples[5] = sample(samples[5].at, {"power": 1e9}, {"power": "suspect:spike"})
    asked = [Query(start=T0, end=T0 + DAY, aggregate=a, every=2 * HOUR) for a in Aggregate]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])
        await store.roll_up("electricity_meter", [T0, T0 + HOUR, T0 + 2 * HOUR])
        from_raw = [await store.read(query) for query in asked]

        bench.clock[0] = T0 + 410 * DAY
        from_hours = [await store.read(query) for query in asked]
        raw = await store.read(_day(limit=1))

    assert raw  # a client of raw samples gets what there is still
    for before, after in zip(from_raw, from_hours, strict=True):
        assert [s.channel for s in before] == ["count", "power", "running"]
        for one, other in zip(before, after, strict=True):
            assert [(p.at, p.count) for p in other.points] == [(p.at, p.count) for p in one.points]
            assert [p.value for p in other.points] == pytest.approx([p.value for p in one.points])


async def test_a_roll_up_computed_again_counts_late_samples(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)])
        await store.roll_up("electricity_meter", [T0])
        await store.write([arrival([sample(T0 + 1, {"power": 3.0})], at=NOW)])
        await store.roll_up("electricity_meter", [T0, T0])

        bench.clock[0] = T0 + 410 * DAY
        points = await _points(store, aggregate=Aggregate.MEAN, every=HOUR)

    assert points == {"power": [Point(T0, 2.0, None, 2)]}


async def test_whole_numbers_do_not_change_the_type_of_a_roll_up(bench: Bench) -> None:
    samples = [sample(T0, {"power": 1.0}), sample(T0 + HOUR, {"power": 2.5})]
    async with bench.opened() as store:
        await store.write([arrival(samples, at=NOW)])
        await store.roll_up("electricity_meter", [T0])
        await store.roll_up("electricity_meter", [T0 + HOUR])

        bench.clock[0] = T0 + 410 * DAY
        points = await _points(store, aggregate=Aggregate.MAX, every=HOUR)

    assert points == {"power": [Point(T0, 1.0, None, 1), Point(T0 + HOUR, 2.5, None, 1)]}
    assert type(points["power"][0].value) is float


async def test_a_roll_up_without_its_raw_samples_is_left_alone(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)])
        await store.roll_up("electricity_meter", [T0])
        await store.write([arrival([sample(T0, {"power": 3.0})], at=NOW)])

        bench.clock[0] = T0 + 410 * DAY
        await store.roll_up("electricity_meter", [T0])

        points = await _points(store, aggregate=Aggregate.MEAN, every=HOUR)
    assert points == {"power": [Point(T0, 1.0, None, 1)]}


async def test_rolling_up_what_is_not_there_does_nothing(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.roll_up("electricity_meter", [T0])
        await store.write([arrival([sample(T0, {"mode": "auto"})], at=NOW)])
        await store.roll_up("electricity_meter", [T0, T0 + HOUR])

        assert set(await _points(store)) == {"mode"}


async def test_expiry_leaves_what_is_to_be_kept(bench: Bench) -> None:
    async with bench.opened() as store:
        await store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)])

        await store.expire(NOW)

        assert await _points(store) == {"power": [Point(T0, 1.0)]}


async def test_a_store_that_is_not_open_says_so(bench: Bench) -> None:
    store = bench.make(lambda: NOW)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.write([arrival([sample(T0, {"power": 1.0})], at=NOW)]),
        lambda: store.read(_day()),
        store.catalogue,
        lambda: store.roll_up("electricity_meter", [T0]),
    ]

    for call in calls:
        with pytest.raises(StoreUnavailable, match="not open"):
            await call()
    await store.close()


cells = st.tuples(
    st.integers(0, 5), st.sampled_from(["power", "voltage", "current"]), st.sampled_from("gsm")
)


@pytest.mark.parametrize("kind", ["sqlite", "influxdb-1", "influxdb-2"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(cells, min_size=1, max_size=12), st.randoms(use_true_random=False))
async def test_any_order_and_any_duplicates_give_the_same_content(
    kind: str,  # noqa: ARG001 - read by the fixture
    new_bench: Callable[[], Bench],
    told: set[tuple[int, str, str]],
    chance: random.Random,
) -> None:
    qualities = {(at, channel): quality for at, channel, quality in sorted(told)}
    sent = [
        arrival([_told(at, channel, quality)], at=NOW)
        for (at, channel), quality in qualities.items()
    ]
    shuffled = sent + chance.choices(sent, k=5)
    chance.shuffle(shuffled)

    contents = []
    for order in (sent, shuffled):
        async with new_bench().opened() as store:
            cut = chance.randrange(len(order))
            for group in (order[:cut], order[cut:]):
                written = await store.write(group)
                assert (written.rejected, written.conflicts) == ((), 0)
            contents.append(await store.read(_day(quality=Wanted.ALL)))

    assert contents[0] == contents[1]
    assert sum(len(series.points) for series in contents[0]) == len(qualities)


def _told(at: int, channel: str, quality: str) -> Sample:
    match quality:
        case "g":
            return sample(T0 + at, {channel: float(at)})
        case "s":
            return sample(T0 + at, {channel: float(at)}, {channel: "suspect:spike"})
        case _:
            return sample(T0 + at, {}, {channel: "missing:no_reply"})
