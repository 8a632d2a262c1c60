"""Promise: what a recorded instrument said is heard exactly, however it comes, and nothing else."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.conversation import Refused, replay
from parts.talk import byte_by_byte, talk
from telemetry.sample import Flag

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Fields, Question

Record = dict[str, Any]

RECORDS: list[Record] = json.loads(
    (Path(__file__).parent.parent / "wire/instruments.json").read_text(encoding="utf-8")
)
UNCHECKED = ("wxt", "megatec")
"""Protocols whose lines have no checksum."""

CHECKED = [record for record in RECORDS if record["protocol"] not in UNCHECKED]

each = pytest.mark.parametrize(
    "record", RECORDS, ids=[f"{i}-{record['device']}" for i, record in enumerate(RECORDS)]
)
any_record = st.sampled_from(RECORDS)


def question_of(record: Record) -> Question:
    """The one exchange that brings what the record says."""
    (question,) = PROTOCOLS[record["protocol"]].questions(record["address"], list(record["says"]))
    return question


def frame_of(record: Record) -> bytes:
    return bytes.fromhex(record["hex"])


def is_as_recorded(record: Record, said: Fields | None) -> bool:
    """Whether every field is there, with its value or flag; some sources print one decimal."""
    if said is None or set(said) != set(record["says"]):
        return False
    plain = {name: str(v) if isinstance(v, Flag) else v for name, v in said.items()}
    if record.get("rounded"):
        return bool(plain == pytest.approx(record["says"], abs=0.0501))
    return bool(plain == record["says"])


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


@each
def test_a_recorded_frame_says_what_its_source_says(record: Record) -> None:
    said = replay(question_of(record), frame_of(record))

    assert is_as_recorded(record, said), said


@each
def test_one_byte_at_a_time_is_enough(record: Record) -> None:
    result = talk(question_of(record), byte_by_byte(frame_of(record)))

    assert is_as_recorded(record, result.said)


@given(record=any_record, cuts=st.lists(st.integers(min_value=0)))
def test_any_chunks_say_the_same(record: Record, cuts: list[int]) -> None:
    result = talk(question_of(record), pieces_of(frame_of(record), cuts))

    assert is_as_recorded(record, result.said)


@each
def test_no_part_of_a_frame_says_anything(record: Record) -> None:
    frame = frame_of(record)

    said = [replay(question_of(record), frame[:end]) for end in range(len(frame))]

    assert said == [None] * len(frame)


@each
def test_a_torn_frame_does_not_cost_the_next_one(record: Record) -> None:
    frame = frame_of(record)

    said = [replay(question_of(record), frame[:end] + frame) for end in range(len(frame))]

    assert all(is_as_recorded(record, each_said) for each_said in said)


@each
def test_a_frame_that_is_joined_halfway_does_not_cost_the_next_one(record: Record) -> None:
    frame = frame_of(record)

    said = [replay(question_of(record), frame[begin:] + frame) for begin in range(1, len(frame))]

    assert all(is_as_recorded(record, each_said) for each_said in said)


@given(record=any_record, data=st.data())
def test_a_good_frame_is_found_behind_noise(record: Record, data: st.DataObject) -> None:
    frame = frame_of(record)
    quiet = st.integers(0, 255).filter(lambda byte: byte != frame[0])
    noise = bytes(data.draw(st.lists(quiet, max_size=2_000)))

    result = talk(question_of(record), [noise, frame])

    assert is_as_recorded(record, result.said)


@pytest.mark.parametrize("record", CHECKED, ids=lambda record: str(record["device"]))
def test_one_flipped_bit_anywhere_leaves_no_value(record: Record) -> None:
    frame, question = frame_of(record), question_of(record)
    flipped = [
        frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
        for at in range(len(frame))
        for bit in range(8)
    ]

    said = [replay(question, each_frame) for each_frame in flipped]

    assert said == [None] * len(flipped)


def is_sound(protocol: str, frame: bytes) -> bool:
    """By another implementation than ours: whether these bytes, whole, are one good frame."""
    match protocol:
        case "plantower":
            total, stated = sum(frame[:-2]), frame[-2:]
            return frame[:2] == b"BM" and total.to_bytes(2) == stated
        case "sds011":
            return len(frame) == 10 and sum(frame[2:8]) % 256 == frame[8] and frame[9] == 0xAB
        case "mhz19":
            return len(frame) == 9 and frame[0] == 0xFF and sum(frame[1:]) % 256 == 0
        case "a02":
            return len(frame) == 4 and sum(frame[:3]) % 256 == frame[3]
        case "sps30":
            plain = frame.strip(b"\x7e")
            for escaped, byte in ((b"\x7d\x5e", b"\x7e"), (b"\x7d\x31", b"\x11")):
                plain = plain.replace(escaped, byte)
            plain = plain.replace(b"\x7d\x33", b"\x13").replace(b"\x7d\x5d", b"\x7d")
            return sum(plain) % 256 == 255
        case _:
            raise AssertionError(protocol)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Record, bytes]:
    """A recorded frame, twice, with bytes changed, lost and put in between."""
    record = draw(st.sampled_from(CHECKED))
    wire = bytearray(frame_of(record) * 2)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(wire) - 1))
        wire[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return record, bytes(wire)


@given(damaged())
def test_a_value_comes_from_a_sound_frame_only(case: tuple[Record, bytes]) -> None:
    record, wire = case
    try:
        said = replay(question_of(record), wire)
    except Refused:
        said = {}

    slices = (wire[i:j] for i in range(len(wire)) for j in range(i + 4, len(wire) + 1))
    has_sound = any(is_sound(record["protocol"], part) for part in slices)

    assert said is None or has_sound


@given(record=any_record, wire=st.binary(max_size=300), cuts=st.lists(st.integers(0)))
def test_arbitrary_bytes_do_no_harm(record: Record, wire: bytes, cuts: list[int]) -> None:
    try:
        said = talk(question_of(record), pieces_of(wire, cuts)).said
    except Refused:
        said = None

    assert said is None or set(said) <= set(record["says"])


lines = st.text("0R r#(.-1,=DmTaPV\r\n", max_size=60).map(str.encode)


@given(
    record=st.sampled_from([r for r in RECORDS if r["protocol"] in UNCHECKED]),
    parts=st.lists(lines, max_size=6),
)
def test_lines_of_the_right_letters_do_no_harm(record: Record, parts: list[bytes]) -> None:
    said = talk(question_of(record), parts).said

    assert said is None or set(said) <= set(record["says"])


@each
def test_an_exchange_tells_how_many_bytes_it_takes(record: Record) -> None:
    question = question_of(record)

    sent = talk(question, []).sent

    assert question.sends == sum(map(len, sent))
    assert question.receives >= len(frame_of(record))


@pytest.mark.parametrize("name", ["plantower", "sds011", "sps30", "mhz19", "a02", "wxt", "megatec"])
def test_an_unknown_field_or_address_is_named_with_what_is_known(name: str) -> None:
    protocol = PROTOCOLS[name]

    with pytest.raises(ValueError, match="there is no field 'radon'; known are "):
        protocol.questions("", ["radon"])
    with pytest.raises(ValueError, match=r"address 'nowhere!' should be "):
        protocol.questions("nowhere!", [])
