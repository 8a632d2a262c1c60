"""Promise: an SPS30 is started if it stands still, and says nothing that it did not measure."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Question, Refused, replay
from edge_agent.protocols.shdlc import Answer, answer, opened, request
from edge_agent.protocols.sps30 import FIELDS, MEASURED, Sps30
from parts.talk import byte_by_byte, talk
from telemetry.sample import NOT_A_NUMBER, NOT_VALID

READ = bytes.fromhex("7e 00 03 00 fc 7e")
START = bytes.fromhex("7e 00 00 02 01 03 f9 7e")
STARTED = bytes.fromhex("7e 00 00 00 00 ff 7e")
STANDS_STILL = bytes.fromhex("7e 00 03 43 00 b9 7e")
NOTHING_NEW = bytes.fromhex("7e 00 03 00 00 fc 7e")
NUMBERS = (5.2, 9.5, 12.6, 13.3, 26.31, 37.0, 41.52, 42.41, 42.54, 0.8)
MEASURED_NOW = answer(Answer(0, 0x03, 0, struct.pack(">10f", *NUMBERS)))


def question(*fields: str) -> Question:
    (only,) = Sps30().questions("0", fields)
    return only


def test_a_sensor_that_measures_is_read_with_the_data_sheets_command() -> None:
    result = talk(question("pm25", "typical_size"), [MEASURED_NOW])

    assert result.sent == [READ]
    assert result.said == {"pm25": 9.5, "typical_size": 0.8}


def test_a_sensor_that_stands_still_is_started_and_has_no_values_yet() -> None:
    result = talk(question(*MEASURED), [STANDS_STILL, STARTED, NOTHING_NEW])

    assert result.sent == [READ, START, READ]
    assert result.said == dict.fromkeys(MEASURED, NOT_VALID)


def test_a_start_needs_no_more_than_one_byte_at_a_time() -> None:
    pieces = [STANDS_STILL, STARTED, MEASURED_NOW]

    result = talk(question("pm25"), [part for piece in pieces for part in byte_by_byte(piece)])

    assert result.sent == [READ, START, READ]
    assert result.said == {"pm25": 9.5}


def test_a_sensor_that_cannot_be_started_refuses() -> None:
    refused = answer(Answer(0, 0x00, 0x28, b""))

    with pytest.raises(Refused, match="refused command 0x00: an internal function's argument"):
        talk(question("pm25"), [STANDS_STILL, refused])


def test_an_echoing_line_does_not_look_like_a_refused_start() -> None:
    pieces = [READ + STANDS_STILL, START + STARTED, READ + MEASURED_NOW]

    assert talk(question("pm25"), pieces).said == {"pm25": 9.5}


def test_a_refusal_is_told_in_words() -> None:
    with pytest.raises(Refused, match="the sensor refused command 0xd2: no such command"):
        replay(question("status"), answer(Answer(0, 0xD2, 0x02, b"")))
    with pytest.raises(Refused, match="command 0xd2: error 0x7f"):
        replay(question("status"), answer(Answer(0, 0xD2, 0x7F, b"")))


def test_only_reading_the_measurement_starts_it() -> None:
    with pytest.raises(Refused, match="not allowed in the present state"):
        replay(question("status"), answer(Answer(0, 0xD2, 0x43, b"")))


def test_the_integer_format_says_the_same_in_the_same_units() -> None:
    data = struct.pack(">10H", 5, 9, 12, 13, 26, 37, 41, 42, 42, 801)

    said = replay(question("pm1", "n10_0", "typical_size"), answer(Answer(0, 3, 0, data)))

    assert said == {"pm1": 5.0, "n10_0": 42.0, "typical_size": 0.801}
    assert {type(value) for value in said.values()} == {float}


def test_a_number_that_is_none_is_a_flag() -> None:
    data = struct.pack(">10f", float("nan"), float("inf"), *NUMBERS[2:])

    said = replay(question("pm1", "pm25", "pm4"), answer(Answer(0, 3, 0, data)))

    assert said == {"pm1": NOT_A_NUMBER, "pm25": NOT_A_NUMBER, "pm4": 12.6}


@pytest.mark.parametrize("length", [1, 19, 21, 39, 41])
def test_data_of_a_length_that_nobody_documents_are_not_values(length: int) -> None:
    said = replay(question("pm1"), answer(Answer(0, 3, 0, bytes(length))))

    assert said == {"pm1": NOT_VALID}


def test_the_device_error_flag_comes_beside_the_values() -> None:
    data = struct.pack(">10f", *NUMBERS)

    said = replay(question("pm1", "device_error"), answer(Answer(0, 3, 0x80, data)))

    assert said == {"pm1": 5.2, "device_error": True}
    assert replay(question("device_error"), MEASURED_NOW) == {"device_error": False}


def test_registers_are_questions_of_their_own() -> None:
    questions = Sps30().questions("0", FIELDS)

    sent = [talk(each, []).sent[0].hex(" ") for each in questions]

    assert sent == [
        "7e 00 03 00 fc 7e",
        "7e 00 d2 01 00 2c 7e",
        "7e 00 d0 01 03 2b 7e",
        "7e 00 d1 00 2e 7e",
    ]


def test_registers_are_read() -> None:
    status = answer(Answer(0, 0xD2, 0, (1 << 21).to_bytes(4) + b"\0"))
    serial = answer(Answer(0, 0xD0, 0, b"8FAC7B2A\0"))
    firmware = answer(Answer(0, 0xD1, 0, bytes([2, 1, 0, 7, 0, 2, 0])))

    assert replay(question("status"), status) == {"status": 1 << 21}
    assert replay(question("serial_number"), serial) == {"serial_number": "8FAC7B2A"}
    assert replay(question("firmware"), firmware) == {"firmware": "2.1"}


def test_another_devices_answer_is_passed_over() -> None:
    data = struct.pack(">10f", *[1.0] * 10)

    said = replay(question("pm1"), answer(Answer(7, 3, 0, data)) + MEASURED_NOW)

    assert said == {"pm1": 5.2}


def test_one_edge_can_end_a_frame_and_begin_the_next() -> None:
    assert replay(question("pm1"), NOTHING_NEW[1:-1] + MEASURED_NOW) == {"pm1": 5.2}
    assert replay(question("pm1"), b"\x7e\x01\x02" + MEASURED_NOW) == {"pm1": 5.2}


@given(st.integers(0, 254), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=255))
def test_any_answer_survives_the_escapes(a: int, command: int, state: int, data: bytes) -> None:
    said = Answer(a, command, state, data)

    frame = answer(said)

    assert opened(frame) == said
    assert not {0x7E, 0x11, 0x13} & set(frame[1:-1])


def test_an_escape_that_nobody_sends_is_damage() -> None:
    assert opened(bytes.fromhex("7e 00 03 00 01 7d 40 9b 7e")) is None
    assert opened(bytes.fromhex("7e 00 03 00 00 7d 7e")) is None


def test_a_request_escapes_too() -> None:
    assert request(0, 0x11).hex(" ") == "7e 00 7d 31 00 ee 7e"


@pytest.mark.parametrize("address", ["255", "x", "-1"])
def test_an_address_is_below_the_broadcast(address: str) -> None:
    with pytest.raises(ValueError, match="should be 0 to 254"):
        Sps30().questions(address, ["pm1"])
