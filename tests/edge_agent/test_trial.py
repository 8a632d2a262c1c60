"""Promise: a test ends when every channel is proven or known to stay wrong, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.acceptance.point import Finding, Point
from edge_agent.acceptance.trial import SOON, TIMES, Trial, Wanted

if TYPE_CHECKING:
    from telemetry.sample import Value

BEGAN = 1_000_000_000
KEY = ("meter-1", "voltage")


def trial(interval: float = 10.0, heartbeat: float = 60.0, waived: str = "") -> Trial:
    wanted = Wanted(Point(channel="voltage", unit="V", waived=waived), interval, heartbeat)
    return Trial({KEY: wanted}, began=BEGAN)


def status(
    at: int, value: Value | None = 230.5, flag: str | None = None, stored: int | None = None
) -> dict[str, Any]:
    """What the agent tells at a moment; `stored` is the time up to which all is."""
    sample = {
        "at": at,
        "values": {} if value is None else {"voltage": value},
        "flags": {} if flag is None else {"voltage": flag},
    }
    span = None if stored is None else [0, stored]
    return {"devices": [{"id": "meter-1", "samples": [sample], "stored": span}]}


def finding(one: Trial) -> Finding:
    return one.points[KEY].finding


def test_a_reading_is_proven_once_a_receipt_covers_it() -> None:
    one = trial()
    one.look(status(BEGAN + 1), BEGAN + 2)
    assert finding(one) is Finding.NOT_STORED
    assert one.awaited == [KEY]

    one.look(status(BEGAN + 1, stored=BEGAN + 1), BEGAN + 3)

    assert finding(one) is Finding.GOOD
    assert one.awaited == []


def test_a_fast_channel_is_proven_by_an_earlier_reading_than_its_newest() -> None:
    one = trial()
    one.look(status(BEGAN + 1), BEGAN + 2)

    one.look(status(BEGAN + 500, 231.0, stored=BEGAN + 100), BEGAN + 501)

    point = one.points[KEY]
    assert point.finding is Finding.GOOD
    assert point.value == 230.5


def test_what_turned_wrong_since_is_told_rather_than_what_was_proven() -> None:
    one = trial()
    one.look(status(BEGAN + 1, stored=BEGAN + 1), BEGAN + 2)

    one.look(status(BEGAN + 500, None, "missing:no_reply", stored=BEGAN + 1), BEGAN + 501)

    assert finding(one) is Finding.NO_REPLY


def test_a_channel_that_stays_wrong_is_done_with() -> None:
    one = trial()
    for n in range(1, TIMES + 1):
        assert one.awaited == [KEY]
        one.look(status(BEGAN + n, None, "missing:no_reply"), BEGAN + n)

    assert one.awaited == []
    assert finding(one) is Finding.NO_REPLY


def test_the_same_wrong_reading_seen_again_counts_once() -> None:
    one = trial()
    for n in range(10):
        one.look(status(BEGAN + 1, None, "bad:sentinel"), BEGAN + n)

    assert one.awaited == [KEY]


def test_a_doubted_value_is_told_as_doubted_once_it_is_stored() -> None:
    one = trial()
    for n in range(1, TIMES + 1):
        at = BEGAN + 10 * n
        one.look(status(at, 0.0, "suspect:out_of_range", stored=at), at + 1)

    assert finding(one) is Finding.DOUBTED
    assert one.awaited == []


def test_an_older_reading_counts_when_a_newer_would_have_come() -> None:
    one = trial(interval=10)
    older = status(BEGAN - 20_000, stored=BEGAN)

    one.look(older, BEGAN + 1000)
    assert finding(one) is Finding.NOT_READ

    one.look(older, BEGAN + 30_000)
    assert finding(one) is Finding.GOOD


def test_what_is_read_rarely_is_not_waited_for_if_it_was_read_before() -> None:
    one = trial(interval=SOON * 15)

    one.look(status(BEGAN - 600_000, stored=BEGAN), BEGAN + 1)

    assert finding(one) is Finding.GOOD


def test_what_is_older_than_a_channel_may_be_never_counts() -> None:
    one = trial(interval=10, heartbeat=60)

    one.look(status(BEGAN - 120_000, stored=BEGAN), BEGAN + 60_000)

    assert finding(one) is Finding.NOT_READ


def test_a_channel_that_is_waived_is_not_waited_for() -> None:
    assert trial(waived="spare").awaited == []


@given(
    st.lists(
        st.tuples(
            st.integers(-50, 50),
            st.sampled_from([None, 1.0, 2.0]),
            st.none() | st.integers(-60, 60),
        )
    )
)
def test_good_is_said_only_of_a_value_that_was_read_and_is_stored(
    looks: list[tuple[int, float | None, int | None]],
) -> None:
    one = trial()
    told: set[tuple[int, float]] = set()
    newest_stored = -(10**9)
    for off, value, stored in looks:
        if value is not None:
            told.add((BEGAN + off, value))
        newest_stored = newest_stored if stored is None else max(newest_stored, stored)
        flag = "missing:no_reply" if value is None else None
        up_to = None if stored is None else BEGAN + stored
        one.look(status(BEGAN + off, value, flag, stored=up_to), BEGAN + 51)

    point = one.points[KEY]

    if point.finding is Finding.GOOD:
        assert point.reading is not None
        assert (point.reading.at, point.value) in told
        assert BEGAN <= point.reading.at <= BEGAN + newest_stored
