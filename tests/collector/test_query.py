"""The promise: a query means what it says, smuggles nothing in, and its parts make the whole."""

from __future__ import annotations

import itertools
import re
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.stores import query_influxql, query_sql
from collector.stores.query import (
    BUCKETS_MAX,
    HOUR,
    Aggregate,
    Part,
    Query,
    QueryRefused,
    Source,
    Span,
    Wanted,
    merged,
    spans,
)
from telemetry.envelope import TIME_MAX
from telemetry.names import AGENT, CHANNEL, DEVICE, is_name

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"start": 5, "end": 5}, "range"),
        ({"start": -1}, "range"),
        ({"end": TIME_MAX + 2}, "range"),
        ({"every": 1000}, "aggregate"),
        ({"every": 0, "aggregate": Aggregate.MEAN}, "width"),
        ({"end": BUCKETS_MAX + 1, "every": 1, "aggregate": Aggregate.MEAN}, "buckets"),
        ({"limit": 0}, "limit"),
        ({"limit": 10**7}, "limit"),
        ({"aggregate": Aggregate.LAST, "quality": Wanted.ALL}, "good values only"),
        ({"agent": "A"}, "agent"),
        ({"device": ""}, "device"),
        ({"profile": "x y"}, "profile"),
        ({"measurement": "a__b"}, "measurement"),
        ({"channels": ("power", 'x" FROM y')}, "channel"),
    ],
)
def test_a_query_without_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(QueryRefused, match=told):
        Query(**{"start": 0, "end": HOUR, **wrong})


@given(st.sampled_from(["agent", "device", "profile", "measurement", "channels"]), st.text())
def test_only_names_reach_a_statement(field: str, text: str) -> None:
    pattern = {"agent": AGENT, "measurement": CHANNEL, "channels": CHANNEL}.get(field, DEVICE)
    value: Any = (text,) if field == "channels" else text
    parts: Any = {"start": 0, "end": HOUR, field: value}

    if is_name(pattern, text):
        assert re.fullmatch(r"[a-z0-9_-]*", text)
        Query(**parts)
    else:
        with pytest.raises(QueryRefused):
            Query(**parts)


queries = st.builds(
    Query,
    start=st.integers(0, 10**9),
    end=st.integers(10**9 + 1, 2 * 10**9),
    agent=st.none() | st.from_regex(AGENT, fullmatch=True),
    device=st.none() | st.from_regex(DEVICE, fullmatch=True),
    profile=st.none() | st.from_regex(DEVICE, fullmatch=True),
    aggregate=st.sampled_from([a for a in Aggregate if a not in ("first", "last")]),
    every=st.none() | st.integers(10**6, 10**8),
    offset=st.integers(-(10**9), 10**9),
    quality=st.sampled_from(Wanted),
)
channels = st.from_regex(CHANNEL, fullmatch=True)


@given(queries, channels, channels, st.sampled_from(Source))
def test_influxql_has_no_quote_but_around_names_and_both_time_bounds(
    query: Query, measurement: str, channel: str, source: Source
) -> None:
    span = Span(source, query.start, query.end)
    for text in (
        query_influxql.raw_points(query, span, measurement, channel),
        query_influxql.parts(query, span, measurement, channel),
        query_influxql.roll_up(measurement, [channel], span.start, span.end),
    ):
        bare = re.sub(r'"[a-z0-9_]+"|\'[a-z0-9_-]+\'', "", text)
        assert not set(bare) & set("\"';\\/")
        assert f"time >= {span.start}ms AND time < {span.end}ms" in text


@given(queries, channels, channels, st.sampled_from(Source))
def test_sql_has_no_quote_but_around_names(
    query: Query, measurement: str, channel: str, source: Source
) -> None:
    for text in (
        query_sql.raw_points(query, measurement, channel, {channel, channel + "__flag"}),
        query_sql.parts(query, source, measurement, channel, {channel, channel + "__suspect"}),
        query_sql.roll_up(measurement, [channel]),
    ):
        assert not set(re.sub(r'"[a-z0-9_]+"', "", text)) & set("\"';\\")


def test_the_far_end_of_time_fits_influxdb() -> None:
    query = Query(start=0, end=TIME_MAX + 1)

    text = query_influxql.raw_points(query, spans(query, 0)[0], "meter", "power")

    assert "time < 9223372036854ms" in text


@given(queries, st.integers(0, 3 * 10**9), st.none() | st.integers(10**7, 10**9))
def test_spans_cover_the_range_once(query: Query, raw_from: int, longest: int | None) -> None:
    pieces = spans(query, raw_from, longest)

    assert pieces[0].start == query.start
    assert pieces[-1].end == query.end
    assert all(one.end == two.start for one, two in itertools.pairwise(pieces))
    assert all(0 < span.end - span.start <= (longest or query.end) for span in pieces)
    assert all(span.source is Source.RAW or span.end <= raw_from for span in pieces)


@pytest.mark.parametrize(
    ("parts", "sources"),
    [
        ({"aggregate": Aggregate.MEAN, "every": HOUR}, ["hourly", "raw"]),
        ({"aggregate": Aggregate.MEAN, "every": DAY, "offset": -7 * HOUR}, ["hourly", "raw"]),
        ({"aggregate": Aggregate.MEAN}, ["hourly", "raw"]),
        ({"aggregate": Aggregate.MEAN, "every": HOUR // 2}, ["raw"]),
        ({"aggregate": Aggregate.MEAN, "every": HOUR, "offset": 1}, ["raw"]),
        ({"aggregate": Aggregate.MEAN, "every": HOUR, "quality": Wanted.ALL}, ["raw"]),
        ({}, ["raw"]),
    ],
)
def test_old_hours_come_from_roll_ups_if_the_buckets_are_whole_hours(
    parts: dict[str, Any], sources: list[str]
) -> None:
    found = spans(Query(start=0, end=10 * DAY, **parts), raw_from=5 * DAY)

    assert [span.source for span in found] == sources


samples = st.lists(
    st.tuples(st.integers(0, 10 * HOUR - 1), st.integers(-1000, 1000)), min_size=1, max_size=30
)


@given(samples, st.sampled_from(Aggregate), st.sampled_from([None, HOUR, 3 * HOUR]))
def test_merged_parts_are_what_all_values_together_come_to(
    told: list[tuple[int, int]], aggregate: Aggregate, every: int | None
) -> None:
    query = Query(start=0, end=10 * HOUR, aggregate=aggregate, every=every)
    told = sorted(dict(told).items())
    quarter = HOUR // 4
    parts: dict[int, list[int]] = {}
    buckets: dict[int, list[int]] = {}
    for at, value in told:
        parts.setdefault(at // quarter * quarter, []).append(value)
        buckets.setdefault(at // every * every if every else 0, []).append(value)

    points = merged(
        query, [Part(at, len(held), COME_TO[aggregate](held)) for at, held in parts.items()]
    )

    assert [(point.at, point.count) for point in points] == [
        (at, len(held)) for at, held in buckets.items()
    ]
    assert [point.value for point in points] == pytest.approx(
        [COME_TO[aggregate](held) for held in buckets.values()]
    )


COME_TO: dict[Aggregate, Callable[[list[int]], float]] = {
    Aggregate.MEAN: statistics.fmean,
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.SUM: sum,
    Aggregate.COUNT: len,
    Aggregate.FIRST: lambda values: values[0],
    Aggregate.LAST: lambda values: values[-1],
}


@given(queries, st.integers(0, 10**9))
def test_a_time_is_in_its_bucket(query: Query, at: int) -> None:
    assume(query.every is not None)
    assert query.every is not None

    bucket = query.bucket(at)

    assert bucket <= at < bucket + query.every
    assert (bucket - query.offset) % query.every == 0


def test_merging_wants_an_aggregate() -> None:
    with pytest.raises(QueryRefused):
        merged(Query(start=0, end=1), [])
