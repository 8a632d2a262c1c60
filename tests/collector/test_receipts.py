"""The promise: every outcome reaches its agent, once, in order, in as few messages as can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.receipts import MOST, messages
from telemetry import receipt, topics
from telemetry.receipt import Outcome, Receipt

STREAMS = ("0123456789abcdef", "fedcba9876543210")

outcomes = st.lists(
    st.tuples(
        st.sampled_from(["gw-1", "gw-2"]),
        st.builds(
            Receipt,
            stream=st.sampled_from(STREAMS),
            seq=st.integers(1, 9),
            crc=st.integers(0, 2**32 - 1),
            outcome=st.sampled_from(Outcome),
            reason=st.sampled_from(["", "version 7 is not 1"]),
        ),
    )
)


@given(outcomes)
def test_each_outcome_is_sent_once_to_its_agent_in_order(
    outcomes: list[tuple[str, Receipt]],
) -> None:
    sent = list(messages(outcomes))

    for agent in ("gw-1", "gw-2"):
        mine = [m for m in sent if m.topic == topics.receipts(agent)]
        got = [r for m in mine for r in receipt.unpack(m.payload)]
        wanted = [r for name, r in outcomes if name == agent]
        for stream in STREAMS:
            assert [r for r in got if r.stream == stream] == [
                r for r in wanted if r.stream == stream
            ]
        assert len(mine) == len({r.stream for r in wanted})


def test_a_message_stays_small_enough_for_any_broker() -> None:
    many = [("gw-1", Receipt(STREAMS[0], n, 1, Outcome.STORED)) for n in range(1, MOST + 2)]

    sent = list(messages(many))

    assert [len(receipt.unpack(m.payload)) for m in sent] == [MOST, 1]
