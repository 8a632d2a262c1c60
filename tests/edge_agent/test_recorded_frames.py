"""Promise: what a recorded device said is heard exactly, however it comes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Refused, replay
from parts.recorded import INSTRUMENTS, METERS, Recorded, first_of_each, pieces_of
from parts.soundness import SOUND
from parts.talk import byte_by_byte, talk

RECORDS = [*INSTRUMENTS, *METERS]
BRIEF = [*INSTRUMENTS, *first_of_each(METERS)]
"""Not every answer of a meter: some have a thousand bytes."""

CHECKED = [record for record in BRIEF if record.protocol in SOUND]

each = pytest.mark.parametrize("record", RECORDS, ids=str)
brief = pytest.mark.parametrize("record", BRIEF, ids=str)
any_record = st.sampled_from(RECORDS)


def answers_to(record: Recorded, wire: bytes) -> bool:
    """Whether these bytes are taken for an answer, be it a refusal."""
    try:
        return replay(record.question, wire) is not None
    except Refused:
        return True


@each
def test_a_recorded_frame_says_what_its_source_says(record: Recorded) -> None:
    said = replay(record.question, record.frame)

    assert record.is_said(said), said


@each
def test_one_byte_at_a_time_is_enough(record: Recorded) -> None:
    result = talk(record.question, byte_by_byte(record.frame))

    assert record.is_said(result.said)


@given(record=any_record, cuts=st.lists(st.integers(min_value=0)))
def test_any_chunks_say_the_same(record: Recorded, cuts: list[int]) -> None:
    result = talk(record.question, pieces_of(record.frame, cuts))

    assert record.is_said(result.said)


@each
def test_no_part_of_a_frame_says_anything(record: Recorded) -> None:
    ends = range(len(record.frame))

    said = [replay(record.question, record.frame[:end]) for end in ends]

    assert said == [None] * len(ends)


@brief
def test_a_torn_frame_does_not_cost_the_next_one(record: Recorded) -> None:
    whole = record.frame

    said = [replay(record.question, whole[:end] + whole) for end in range(len(whole))]

    assert all(record.is_said(fields) for fields in said)


def checked_from(record: Recorded) -> int:
    """Where the bytes begin that its checksum is of."""
    match record.protocol:
        case "dlt645":
            return record.frame.index(b"\x68")
        case "iec62056-21":
            return record.frame.find(b"\n\x02") + 1
        case _:
            return 0


@pytest.mark.parametrize("record", CHECKED, ids=str)
def test_one_flipped_bit_anywhere_leaves_no_value(record: Recorded) -> None:
    frame, question = record.frame, record.question
    flipped = [
        frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
        for at in range(checked_from(record), len(frame))
        for bit in range(8)
    ]

    said = [replay(question, each_frame) for each_frame in flipped]

    assert said == [None] * len(flipped)


SHORT = [record for record in CHECKED if len(record.frame) < 100] + [
    record for record in METERS if record.device == "answer to a read"
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Recorded, bytes]:
    """A recorded frame, twice, with bytes changed, lost and put in between."""
    record = draw(st.sampled_from(SHORT))
    wire = bytearray(record.frame * 2)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(wire) - 1))
        wire[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return record, bytes(wire)


@given(damaged())
def test_a_value_comes_from_a_sound_frame_only(case: tuple[Recorded, bytes]) -> None:
    record, wire = case

    answers = answers_to(record, wire)

    parts = (wire[i:j] for i in range(len(wire)) for j in range(i + 4, len(wire) + 1))
    assert not answers or any(map(SOUND[record.protocol], parts))


@given(record=any_record, wire=st.binary(max_size=300), cuts=st.lists(st.integers(0)))
def test_arbitrary_bytes_do_no_harm(record: Recorded, wire: bytes, cuts: list[int]) -> None:
    try:
        said = talk(record.question, pieces_of(wire, cuts)).said
    except Refused:
        said = None

    assert said is None or set(said) <= set(record.says)
