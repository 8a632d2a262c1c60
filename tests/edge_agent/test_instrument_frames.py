"""Promise: a sensor that talks unasked is understood from wherever it is joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.conversation import replay
from parts.recorded import INSTRUMENTS, Recorded
from parts.soundness import SOUND
from parts.talk import talk

each = pytest.mark.parametrize("record", INSTRUMENTS, ids=str)


@each
def test_a_frame_that_is_joined_halfway_does_not_cost_the_next_one(record: Recorded) -> None:
    whole = record.frame

    said = [replay(record.question, whole[begin:] + whole) for begin in range(1, len(whole))]

    assert all(record.is_said(fields) for fields in said)


@given(record=st.sampled_from(INSTRUMENTS), data=st.data())
def test_a_good_frame_is_found_behind_noise(record: Recorded, data: st.DataObject) -> None:
    quiet = st.integers(0, 255).filter(lambda byte: byte != record.frame[0])
    noise = bytes(data.draw(st.lists(quiet, max_size=2_000)))

    result = talk(record.question, [noise, record.frame])

    assert record.is_said(result.said)


lines = st.text("0R r#(.-1,=DmTaPV\r\n", max_size=60).map(str.encode)


@given(
    record=st.sampled_from([each for each in INSTRUMENTS if each.protocol not in SOUND]),
    parts=st.lists(lines, max_size=6),
)
def test_lines_of_the_right_letters_do_no_harm(record: Recorded, parts: list[bytes]) -> None:
    said = talk(record.question, parts).said

    assert said is None or set(said) <= set(record.says)


@each
def test_an_exchange_tells_how_many_bytes_it_takes(record: Recorded) -> None:
    sent = talk(record.question, []).sent

    assert record.question.sends == sum(map(len, sent))
    assert record.question.receives >= len(record.frame)


@pytest.mark.parametrize("name", ["plantower", "sds011", "sps30", "mhz19", "a02", "wxt", "megatec"])
def test_an_unknown_field_or_address_is_named_with_what_is_known(name: str) -> None:
    protocol = PROTOCOLS[name]

    with pytest.raises(ValueError, match="there is no field 'radon'; known are "):
        protocol.questions("", ["radon"])
    with pytest.raises(ValueError, match=r"address 'nowhere!' should be "):
        protocol.questions("nowhere!", [])
