"""Promise: a signal controller is only ever asked for its status, and each field has its bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.ab3418 import FIELDS, LONG, Ab3418
from edge_agent.protocols.conversation import Question, Refused, replay
from parts.meters import SignalController, controller_frame
from parts.talk import talk

SET_PATTERN = bytes.fromhex("7e0513c0931445607e")
SET_TIME = bytes.fromhex("7e0513c09202050712131505 04321b7e")
"""Recorded: jspring/rfs-atsc, ab3418/set_pattern_20.bin and set_time_example.bin."""


def question(*fields: str, address: str = "1") -> Question:
    (only,) = Ab3418().questions(address, fields)
    return only


def test_the_request_for_the_long_status_is_the_recorded_one() -> None:
    sent = talk(question(*LONG), []).sent

    # jspring/rfs-atsc, ab3418/get_status_udp.bin
    assert sent == [bytes.fromhex("7e0513c08cb67c7e")]


@given(st.sets(st.sampled_from(FIELDS), min_size=1), st.integers(1, 63))
def test_nothing_but_the_two_questions_for_status_is_ever_sent(fields: set[str], drop: int) -> None:
    sent = [
        request
        for each in Ab3418().questions(str(drop), sorted(fields))
        for request in talk(each, [b"", b"\x7e", b"\x00"]).sent
    ]

    plain = [request.replace(b"\x7d\x5d", b"\x7d").strip(b"\x7e") for request in sent]
    assert {(len(request), request[3]) for request in plain} <= {(6, 0x84), (6, 0x8C)}


@given(st.sets(st.sampled_from(FIELDS), min_size=1))
def test_each_field_is_asked_once_in_as_few_messages_as_can_be(fields: set[str]) -> None:
    questions = Ab3418().questions("1", sorted(fields))

    asked = [field for each in questions for field in each.fields]
    assert sorted(asked) == sorted(fields)
    needs_both = "greens" in fields and not fields <= {"greens", "status", "pattern"}
    assert len(questions) == 1 + needs_both


@pytest.mark.parametrize(
    ("field", "at", "byte", "value"),
    [
        ("flags", 0, 0x01, 1),
        ("status", 1, 0xA2, 0xA2),
        ("overlap_green", 3, 0x4A, 0xA),
        ("overlap_yellow", 3, 0x4A, 0x4),
        ("interval_ring0", 8, 0xF2, 0x2),
        ("interval_ring1", 8, 0xF2, 0xF),
        ("detectors_25_28", 12, 0xF9, 0x9),
        ("sample_seq", 15, 0xFF, 0xFF),
        ("det1_volume", 16, 7, 7),
        ("det1_occupancy", 17, 210, 210),
        ("det8_volume", 30, 0x7E, 0x7E),
        ("det8_occupancy", 31, 0x7D, 0x7D),
    ],
)
def test_a_field_is_where_the_controllers_header_file_has_it(
    field: str, at: int, byte: int, value: int
) -> None:
    payload = bytes(at) + bytes([byte]) + bytes(31 - at)
    controller = SignalController({0x8C: payload, 0x84: payload[:3]})
    (request,) = talk(question(field, "phase_calls"), []).sent

    said = replay(question(field, "phase_calls"), controller.answer(request))

    assert said == {field: value, "phase_calls": 0}


def test_the_short_status_has_greens_status_and_pattern() -> None:
    controller = SignalController({0x84: bytes([0x22, 0x80, 255])})
    (request,) = talk(question("greens", "status", "pattern"), []).sent

    said = replay(question("greens", "status", "pattern"), controller.answer(request))

    assert said == {"greens": 0x22, "status": 0x80, "pattern": 255}
    assert controller.heard == [b"\x84"]


@given(st.binary(min_size=32, max_size=32))
def test_any_payload_comes_through_the_escapes(payload: bytes) -> None:
    controller = SignalController({0x8C: payload})
    (request,) = talk(question(*LONG), []).sent

    said = replay(question(*LONG), controller.answer(request))

    assert said is not None
    assert [said[f"det{n}_occupancy"] for n in range(1, 9)] == list(payload[17::2])


def test_a_controller_that_does_not_know_the_message_refuses() -> None:
    controller = SignalController({})
    (request,) = talk(question(*LONG), []).sent

    with pytest.raises(Refused, match="error 01 00"):
        replay(question(*LONG), controller.answer(request))


@pytest.mark.parametrize(
    "frame",
    [
        SET_PATTERN,
        SET_TIME,
        controller_frame(0x05, 0xCC, bytes(31)),
        controller_frame(0x05, 0xC4, bytes(3)),
        controller_frame(0x09, 0xCC, bytes(32)),
    ],
    ids=["set pattern", "set time", "too short", "short status", "another drop"],
)
def test_a_good_frame_that_is_no_answer_is_passed_over(frame: bytes) -> None:
    right = controller_frame(0x05, 0xCC, bytes([0, 0x55]) + bytes(30))

    said = replay(question("status", "flags"), frame + right)

    assert said == {"status": 0x55, "flags": 0}


def test_an_escape_that_does_not_exist_spoils_the_frame() -> None:
    good = controller_frame(0x05, 0xC4, bytes([0x7E, 1, 2]))

    said = replay(question("status"), good.replace(b"\x7d\x5e", b"\x7d\x21"))

    assert said is None


def test_frames_may_share_the_flag_between_them() -> None:
    foreign = controller_frame(0x09, 0xC4, bytes(3))
    right = controller_frame(0x05, 0xC4, bytes([1, 2, 3]))

    said = replay(question("status"), foreign[:-1] + right)

    assert said == {"status": 2}


@pytest.mark.parametrize("address", ["0", "64", "-1", "one", ""])
def test_a_drop_number_that_does_not_exist_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="drop number from 1 to 63"):
        Ab3418().questions(address, ["status"])
