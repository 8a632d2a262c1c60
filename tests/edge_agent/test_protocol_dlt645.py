"""Promise: a DL/T 645 meter is asked as its standard says; its digits, signs and noes are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Fields, Question, Refused, Send
from edge_agent.protocols.dlt645 import Dlt645
from parts.meters import Dlt645Meter
from parts.talk import talk
from telemetry.sample import BAD_REPLY, NOT_A_NUMBER, NOT_VALID

ADDRESS = "000000000161"


def question(*fields: str, address: str = ADDRESS) -> Question:
    (only,) = Dlt645().questions(address, fields)
    return only


def asked(meter: Dlt645Meter, question: Question) -> Fields:
    """What a meter on a quiet line says."""
    conversation = question.converse()
    step = next(conversation)
    try:
        while True:
            step = conversation.send(meter.answer(step.data) if isinstance(step, Send) else b"")
    except StopIteration as done:
        said: Fields = done.value
        return said


@pytest.mark.parametrize(
    ("field", "request_hex"),
    [
        ("00010000", "68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16"),
        ("02010100", "68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16"),
        ("02020100", "68 61 01 00 00 00 00 68 11 04 33 34 35 35 18 16"),
        ("02060000", "68 61 01 00 00 00 00 68 11 04 33 33 39 35 1b 16"),
    ],
)
def test_a_request_is_what_others_recorded(field: str, request_hex: str) -> None:
    sent = talk(question(field), []).sent

    assert sent == [b"\xfe" * 4 + bytes.fromhex(request_hex)]


def test_whoever_is_there_alone_is_asked_with_the_address_of_all() -> None:
    sent = talk(question("00010000", address="AAAAAAAAAAAA"), []).sent

    assert sent == [bytes.fromhex("fefefefe 68 aaaaaaaaaaaa 68 11 04 33333433 ae 16")]


@pytest.mark.parametrize(
    ("content", "value"),
    [("341200", 1234), ("341280", -1234), ("999979", 799999), ("ffffff", NOT_A_NUMBER)],
)
def test_the_top_bit_of_a_current_is_its_sign(content: str, value: object) -> None:
    meter = Dlt645Meter(ADDRESS, {"02020100": bytes.fromhex(content)})

    said = asked(meter, question("02020100"))

    assert said == {"02020100": value}


@pytest.mark.parametrize(
    ("field", "content", "value"),
    [
        ("04000101", "04221126", "26112204"),
        ("04000402", "785634120900", "000912345678"),
        ("0400040B", b"LEDOM A   ".hex(), "A MODEL"),
        ("04000501", "0480", 0x8004),
        ("04000101:4t", "0422112f", NOT_VALID),
        ("0400040B", "ff" * 10, NOT_VALID),
        ("04001234:2b", "ff01", 0x01FF),
        ("04001234:2", "0199", 9901),
    ],
)
def test_an_item_is_read_as_its_layout_says(field: str, content: str, value: object) -> None:
    meter = Dlt645Meter(ADDRESS, {field[:8]: bytes.fromhex(content)})

    said = asked(meter, question(field))

    assert said == {field: value}


def test_a_blocks_items_come_in_one_exchange() -> None:
    meter = Dlt645Meter(ADDRESS, {"0201FF00": bytes.fromhex("1923 2023 2123")})

    said = asked(meter, question("0201FF00.0", "0201FF00.2", "0201FF00.3"))

    assert said == {"0201FF00.0": 2319, "0201FF00.2": 2321, "0201FF00.3": BAD_REPLY}
    assert len(meter.heard) == 1


def test_every_identifier_is_an_exchange_of_its_own() -> None:
    questions = Dlt645().questions(ADDRESS, ["02010100", "0201FF00.0", "02020100", "0201FF00.1"])

    assert [q.fields for q in questions] == [
        ("02010100",),
        ("0201FF00.0", "0201FF00.1"),
        ("02020100",),
    ]


def test_an_item_that_comes_in_several_frames_is_joined() -> None:
    content = bytes.fromhex("11111111 22222222 33333333")
    meter = Dlt645Meter(ADDRESS, {"0001FF00": content}, part=5)

    said = asked(meter, question("0001FF00.2"))

    assert said == {"0001FF00.2": 33333333}
    assert [frame[8] for frame in meter.heard] == [0x11, 0x12, 0x12]


def test_an_item_of_another_length_than_the_standards_is_no_value() -> None:
    meter = Dlt645Meter(ADDRESS, {"02010100": bytes.fromhex("002603")})

    said = asked(meter, question("02010100"))

    assert said == {"02010100": BAD_REPLY}


def test_a_meter_that_has_no_such_item_is_told_in_words() -> None:
    meter = Dlt645Meter(ADDRESS, {})

    with pytest.raises(Refused, match="no such data"):
        asked(meter, question("02010200"))


def test_a_recorded_refusal_names_its_bit() -> None:
    # public Go test TestParseDLT645Frame
    refusal = bytes.fromhex("fefefefe6860079204009168d101376716")

    with pytest.raises(Refused, match="wrong password or not allowed"):
        talk(question("00010000", address="910004920760"), [refusal])


def test_an_answer_to_an_earlier_question_is_passed_over() -> None:
    late = bytes.fromhex("68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16")
    right = bytes.fromhex("68 61 01 00 00 00 00 68 91 07 33 34 35 35 CC 7C 33 16 16")

    said = talk(question("02020100"), [late, right]).said

    assert said == {"02020100": 4999}


def test_our_own_request_coming_back_is_no_answer() -> None:
    meter = Dlt645Meter(ADDRESS, {"02010100": bytes.fromhex("1923")})
    (request,) = talk(question("02010100"), []).sent

    said = talk(question("02010100"), [request + meter.answer(request)]).said

    assert said == {"02010100": 2319}


@pytest.mark.parametrize("field", ["0201FF00", "0A0B0C0D", "0201", "02010100:0", "00000000:9", "x"])
def test_a_field_without_a_layout_is_refused_with_how_to_say_it(field: str) -> None:
    with pytest.raises(ValueError, match=f"field '{field}'"):
        Dlt645().questions(ADDRESS, [field])


@pytest.mark.parametrize("address", ["", "161", "0000000001611", "00000000016A", "AA000000016Z"])
def test_an_address_that_no_meter_can_have_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        Dlt645().questions(address, ["02010100"])


@given(st.integers(0, 99_999_999))
def test_any_digits_come_back(number: int) -> None:
    content = bytes.fromhex(f"{number:08d}")[::-1]
    meter = Dlt645Meter(ADDRESS, {"00010000": content})

    assert asked(meter, question("00010000")) == {"00010000": number}
