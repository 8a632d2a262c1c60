"""Promise: what a recorded meter said is heard exactly, however it comes, and nothing else."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from crccheck.checksum import ChecksumXor8  # type: ignore[import-untyped] # no type hints
from crccheck.crc import (  # type: ignore[import-untyped] # it has no type hints
    Crc16Mcrf4XX,
    CrcArc,
    CrcX25,
)
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.ab3418 import Message, frame
from edge_agent.protocols.conversation import Refused, replay
from parts.talk import byte_by_byte, talk
from telemetry.sample import Flag

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Fields, Question

Record = dict[str, Any]

CONTROLLER: Record = {
    "protocol": "ab3418",
    "address": "1",
    "device": "traffic signal controller",
    "hex": frame(0x05, Message.LONG_STATUS + 0x40, bytes(range(0x6E, 0x6E + 32))).hex(),
    "says": {"status": 0x6F, "interval_ring0": 0x6, "det8_occupancy": 0x8D},
}
"""Computed: the recorded frames of this protocol are requests."""

RECORDS: list[Record] = [
    *json.loads((Path(__file__).parent.parent / "wire/meters.json").read_text(encoding="utf-8")),
    CONTROLLER,
]

each = pytest.mark.parametrize(
    "record", RECORDS, ids=[f"{i}-{record['device']}" for i, record in enumerate(RECORDS)]
)
any_record = st.sampled_from(RECORDS)
BRIEF = list({record["protocol"]: record for record in reversed(RECORDS)}.values())
"""The first record of each protocol."""

brief = pytest.mark.parametrize("record", BRIEF, ids=lambda record: str(record["protocol"]))


def question_of(record: Record) -> Question:
    """The one exchange that brings what the record says."""
    (question,) = PROTOCOLS[record["protocol"]].questions(record["address"], list(record["says"]))
    return question


def frame_of(record: Record) -> bytes:
    return bytes.fromhex(record["hex"])


def is_as_recorded(record: Record, said: Fields | None) -> bool:
    """Whether every field is there, with its value or flag; libmbus prints six decimals."""
    if said is None or set(said) != set(record["says"]):
        return False
    plain = {name: str(v) if isinstance(v, Flag) else v for name, v in said.items()}
    return all(is_same(plain[name], value, record) for name, value in record["says"].items())


def is_same(said: object, recorded: object, record: Record) -> bool:
    if record.get("rounded") and not isinstance(recorded, str):
        return bool(said == pytest.approx(recorded, rel=1e-6, abs=5.1e-7))
    return said == recorded


def heard(record: Record, wire: bytes) -> Fields | None:
    try:
        return replay(question_of(record), wire)
    except Refused:
        return None


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


@brief
def test_a_torn_frame_does_not_cost_the_next_one(record: Record) -> None:
    frame = frame_of(record)

    said = [replay(question_of(record), frame[:end] + frame) for end in range(len(frame))]

    assert all(is_as_recorded(record, each_said) for each_said in said)


@given(record=any_record, noise=st.binary(max_size=300))
def test_a_good_frame_is_found_behind_noise(record: Record, noise: bytes) -> None:
    result = talk(question_of(record), [noise, frame_of(record)])

    assert is_as_recorded(record, result.said)


@brief
def test_one_flipped_bit_anywhere_leaves_no_value(record: Record) -> None:
    frame, question = frame_of(record), question_of(record)
    start = max(len(frame) - len(frame.lstrip(b"\xfe")), frame.find(b"\n\x02") + 1)
    flipped = [
        frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
        for at in range(start, len(frame))
        for bit in range(8)
    ]

    said = [replay(question, each_frame) for each_frame in flipped]

    assert said == [None] * len(flipped)


def is_sound(protocol: str, part: bytes) -> bool:
    """By another implementation than ours: whether these bytes, whole, are one good frame."""
    match protocol:
        case "dlt645":
            return part[0] == 0x68 and part[-1] == 0x16 and sum(part[:-2]) % 256 == part[-2]
        case "mbus":
            return part[0] == 0x68 and part[-1] == 0x16 and sum(part[4:-2]) % 256 == part[-2]
        case "iec62056-21" if part[0] == 0x02:
            return part[-2] == 0x03 and bool(ChecksumXor8.calc(part[1:-1]) == part[-1])
        case "iec62056-21":
            text, mark, crc = part.rpartition(b"!")
            return bool(f"{CrcArc.calc(text + mark):04X}" == crc.decode("latin-1").upper()[:4])
        case "umb":
            return bool(Crc16Mcrf4XX.calc(part[:-3]).to_bytes(2, "little") == part[-3:-1])
        case "ab3418":
            plain = part.strip(b"\x7e").replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
            return bool(CrcX25.calc(plain[:-2]).to_bytes(2, "little") == plain[-2:])
        case _:
            raise AssertionError(protocol)


SHORT = [record for record in BRIEF if len(record["hex"]) < 200] + [
    record for record in RECORDS if record["device"] == "answer to a read"
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Record, bytes]:
    """A recorded frame, twice, with bytes changed, lost and put in between."""
    record = draw(st.sampled_from(SHORT))
    wire = bytearray(frame_of(record) * 2)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(wire) - 1))
        wire[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return record, bytes(wire)


@given(damaged())
def test_a_value_comes_from_a_sound_frame_only(case: tuple[Record, bytes]) -> None:
    record, wire = case

    said = heard(record, wire)

    slices = (wire[i:j] for i in range(len(wire)) for j in range(i + 5, len(wire) + 1))
    assert said is None or any(is_sound(record["protocol"], part) for part in slices)


@given(record=any_record, wire=st.binary(max_size=300), cuts=st.lists(st.integers(0)))
def test_arbitrary_bytes_do_no_harm(record: Record, wire: bytes, cuts: list[int]) -> None:
    try:
        said = talk(question_of(record), pieces_of(wire, cuts)).said
    except Refused:
        said = None

    assert said is None or set(said) <= set(record["says"])


@each
def test_an_exchange_tells_how_many_bytes_it_takes(record: Record) -> None:
    question = question_of(record)

    sent = talk(question, []).sent

    assert question.sends >= sum(map(len, sent))
    assert question.receives >= min(len(frame_of(record)), 1024)


FOREIGN = {"dlt645": "000000000007", "mbus": "77", "umb": "0x7007", "ab3418": "7"}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_stations_frame_is_not_taken(name: str) -> None:
    record = next(record for record in RECORDS if record["protocol"] == name)
    (question,) = PROTOCOLS[name].questions(FOREIGN[name], list(record["says"]))

    said = replay(question, frame_of(record))

    assert said is None


@pytest.mark.parametrize("name", ["dlt645", "iec62056-21", "mbus", "umb", "ab3418"])
def test_an_address_or_a_field_that_is_none_is_named(name: str) -> None:
    good = next(record for record in RECORDS if record["protocol"] == name)

    with pytest.raises(ValueError, match=r"field '\(!\)'"):
        PROTOCOLS[name].questions(good["address"], ["(!)"])
    with pytest.raises(ValueError, match=r"address 'nowhere!' should be "):
        PROTOCOLS[name].questions("nowhere!", list(good["says"]))
