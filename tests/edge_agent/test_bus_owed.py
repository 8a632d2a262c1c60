"""On a line no frame is taken for the answer to another request than its own."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from device_profiles.registers import Table
from edge_agent.bus import pdu
from edge_agent.bus.owed import FORGOTTEN, Owed

HOLDING = Table.HOLDING


def reply(ask: pdu.Ask, *, refused: bool = False) -> bytes:
    """What a device says to `ask`."""
    if refused:
        return bytes([ask.shape[0] | 0x80, 2])
    return ask.shape + bytes(ask.size - len(ask.shape))


asks = st.tuples(
    st.sampled_from([Table.HOLDING, Table.INPUT]),
    st.integers(1, 2),
    st.booleans(),  # refused
    st.booleans(),  # lost
    st.integers(0, 3),  # replies that come until the next request
)


@given(st.lists(asks, max_size=12))
def test_a_device_that_is_late_loses_replies_and_refuses_is_never_misunderstood(
    said: list[tuple[Table, int, bool, bool, int]],
) -> None:
    owed, coming = Owed(), deque[tuple[object, bytes]]()
    for at, (table, count, refused, lost, heard) in enumerate(said):
        ask = pdu.read(table, at, count)
        debt = owed.asked(1, ask, at)
        if not lost:
            coming.append((debt, reply(ask, refused=refused)))

        for _ in range(min(heard, len(coming))):
            whose, frame = coming.popleft()
            taken_for = owed.came(1, frame)

            assert taken_for is not debt or whose is debt


def test_a_prompt_answer_is_its_requests() -> None:
    owed = Owed()
    debt = owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)

    assert owed.came(1, reply(debt.ask)) is debt
    assert owed.came(1, reply(debt.ask)) is None


def test_an_answer_of_another_shape_settles_what_is_older() -> None:
    owed = Owed()
    owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)
    other = owed.asked(1, pdu.read(HOLDING, 0, 1), 1.0)

    assert owed.came(1, reply(other.ask)) is other
    assert owed.waiting(1) == []
    owed.forget(1, reply(pdu.read(HOLDING, 0, 2))[:2], 2.0)
    assert owed.shapes(1, 2.0) == set()


def test_a_device_that_answers_out_of_order_is_not_trusted_to_keep_it() -> None:
    owed = Owed()
    first = owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)
    second = owed.asked(1, pdu.read(HOLDING, 0, 1), 1.0)
    owed.came(1, reply(second.ask))
    owed.came(1, reply(first.ask))
    third = owed.asked(1, pdu.read(HOLDING, 9, 2), 2.0)
    owed.came(1, reply(owed.asked(1, pdu.read(HOLDING, 0, 1), 3.0).ask))

    owed.forget(1, third.ask.shape, 4.0)
    kept = owed.shapes(1, 4.0)
    owed.forget(1, third.ask.shape, FORGOTTEN)

    assert kept == {third.ask.shape}
    assert owed.shapes(1, 4.0) == set()


def test_a_refusal_is_of_nothing_that_was_overtaken() -> None:
    owed = Owed()
    owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)
    owed.came(1, reply(owed.asked(1, pdu.read(HOLDING, 0, 1), 1.0).ask))
    last = owed.asked(1, pdu.read(HOLDING, 0, 3), 2.0)

    assert owed.came(1, reply(last.ask, refused=True)) is last


def test_another_units_answer_settles_nothing() -> None:
    owed = Owed()
    debt = owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)

    assert owed.came(2, reply(debt.ask)) is None
    assert owed.shapes(1, 1.0) == {debt.ask.shape}


def test_what_is_very_old_is_not_waited_for() -> None:
    owed = Owed()
    owed.asked(1, pdu.read(HOLDING, 0, 2), 0.0)

    assert owed.shapes(1, FORGOTTEN - 1)
    assert not owed.shapes(1, FORGOTTEN)
