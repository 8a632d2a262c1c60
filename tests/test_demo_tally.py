"""The demonstration's account finds what is lost and what is doubled; one never hides another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo.tally import Key, account

samples = st.sets(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 50)), min_size=1)


def parted(read: set[Key], data: st.DataObject) -> tuple[set[Key], set[Key]]:
    """Some of them stored; the rest, and some of those too, still in the outbox."""
    stored = data.draw(st.sets(st.sampled_from(sorted(read))))
    return stored, (read - stored) | data.draw(st.sets(st.sampled_from(sorted(read))))


@given(samples, st.data())
def test_what_is_stored_or_waits_balances(read: set[Key], data: st.DataObject) -> None:
    stored, kept = parted(read, data)

    tally = account(read=len(read), rows=sorted(stored), kept=kept, raised=0, cleared=0)

    assert (tally.lost, tally.doubled) == (0, 0)


@given(samples, st.data())
def test_one_lost_and_one_doubled_are_both_told(read: set[Key], data: st.DataObject) -> None:
    stored, kept = parted(read, data)
    gone = data.draw(st.sampled_from(sorted(read)))
    rows = sorted(stored - {gone})
    twice = rows[:1]

    tally = account(read=len(read), rows=rows + twice, kept=kept - {gone}, raised=0, cleared=0)

    assert tally.lost == 1
    assert tally.doubled == len(twice)
    assert not tally.is_right
