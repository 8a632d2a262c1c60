"""Promise: a UPS's line is believed if it is exactly so; a field it does not know is no number."""

from __future__ import annotations

import pytest

from edge_agent.protocols.conversation import replay
from edge_agent.protocols.megatec import BITS, FIELDS, NOW, RATED, WHO, Megatec
from parts.talk import talk
from telemetry.sample import NOT_VALID

NORMAL = b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000\r"


def test_everything_takes_three_questions() -> None:
    questions = Megatec().questions("", FIELDS)

    assert [talk(question, []).sent for question in questions] == [[b"Q1\r"], [b"F\r"], [b"I\r"]]
    assert [question.fields for question in questions] == [
        (*NOW, "status", *BITS),
        RATED,
        tuple(WHO),
    ]


def test_only_what_is_needed_is_asked() -> None:
    questions = Megatec().questions("", ["load", "utility_fail"])

    assert [question.fields for question in questions] == [("load", "utility_fail")]


@pytest.mark.parametrize("at", range(len(BITS)))
def test_each_status_bit_has_its_name(at: int) -> None:
    (question,) = Megatec().questions("", ["status", *BITS])
    status = "".join("1" if place == at else "0" for place in range(8))
    line = f"(226.0 195.0 226.0 014 49.0 27.5 30.0 {status}\r".encode()

    said = replay(question, line)

    assert said == {"status": status, **{name: name == BITS[at] for name in BITS}}


@pytest.mark.parametrize("unknown", ["---.-", "--.-", "---", "@@.@", "***.*"])
def test_a_field_without_digits_is_a_flag(unknown: str) -> None:
    (question,) = Megatec().questions("", NOW)
    line = f"({unknown} 195.0 226.0 {unknown} 49.0 {unknown} {unknown} 00001000\r".encode()

    said = replay(question, line)

    assert said == {
        "input_voltage": NOT_VALID,
        "input_fault_voltage": 195.0,
        "output_voltage": 226.0,
        "load": NOT_VALID,
        "frequency": 49.0,
        "battery_voltage": NOT_VALID,
        "temperature": NOT_VALID,
    }


def test_two_blanks_before_the_status_are_the_specifications() -> None:
    (question,) = Megatec().questions("", ["temperature"])

    said = replay(question, b"(208.4 140.0 208.4 034 59.9 2.05 35.0  00110000\r")

    assert said == {"temperature": 35.0}


@pytest.mark.parametrize(
    "line",
    [
        b"(226.0 195.0 226.0 014 49.0 27.5 30.0\r",
        b"(226.0 195.0 226.0 014 49.0 27.5 00001000\r",
        b"(226.0 195.0 226.0 014 49.0 27.5 30.0 0000100\r",
        b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001002\r",
        b"(226.0 195.0 2x6.0 014 49.0 27.5 30.0 00001000\r",
        b"(226.0195.0 226.0 014 49.0 27.5 30.0 00001000\r",
        b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000 12\r",
        b"(226.0 195.0 226.0 014 49.0 -7.5 30.0 00001000\r",
        b"(NAK\r",
    ],
)
def test_a_line_that_is_not_exactly_so_is_not_believed(line: bytes) -> None:
    (question,) = Megatec().questions("", FIELDS[:3])

    assert replay(question, line) is None
    assert replay(question, line + NORMAL) is not None


def test_an_echo_of_the_question_is_passed_over() -> None:
    (question,) = Megatec().questions("", ["load"])

    assert replay(question, b"Q1\r" + NORMAL) == {"load": 14.0}
