"""Promise: each Plantower model's words are told apart, and a sensor that warms up says nothing."""

from __future__ import annotations

import struct

import pytest

from edge_agent.protocols.conversation import Question, replay
from edge_agent.protocols.plantower import FIELDS, Plantower
from parts.talk import talk
from telemetry.sample import NOT_VALID


def frame(*words: int) -> bytes:
    """A frame of these words, as the data sheet draws it."""
    body = struct.pack(f">2sH{len(words)}H", b"BM", 2 * len(words) + 2, *words)
    return body + struct.pack(">H", sum(body))


def question(*fields: str, address: str = "") -> Question:
    (only,) = Plantower().questions(address, fields)
    return only


def test_a_sensor_in_active_mode_is_listened_to() -> None:
    result = talk(question("pm25"), [])

    assert result.sent == []


def test_a_sensor_in_passive_mode_is_asked_with_the_data_sheets_command() -> None:
    result = talk(question("pm25", address="passive"), [frame(*range(1, 14))])

    assert result.sent == [bytes.fromhex("42 4d e2 00 00 01 71")]
    assert result.said == {"pm25": 5}


def test_a_pms5003st_has_gas_and_climate_behind_the_counts() -> None:
    words = (*range(1, 13), 33, 0x10000 - 52, 657, 0, 0x9101)
    asked = ("n10_0", "hcho", "temperature", "humidity", "version", "error")

    said = replay(question(*asked), frame(*words))

    assert said == {
        "n10_0": 12,
        "hcho": 33,
        "temperature": -52,
        "humidity": 657,
        "version": 0x91,
        "error": 1,
    }


def test_a_pms5003t_has_climate_in_place_of_large_particles_and_can_freeze() -> None:
    words = (*range(1, 11), 0x10000 - 105, 998, 0x9A00)

    said = replay(question("temperature", "humidity", "n2_5", "version"), frame(*words))

    assert said == {"temperature": -105, "humidity": 998, "n2_5": 10, "version": 0x9A}


def test_a_pms5003s_has_formaldehyde_in_the_last_word() -> None:
    said = replay(question("hcho"), frame(*range(1, 14)))

    assert said == {"hcho": 13}


def test_a_pms3003_says_what_it_knows_of_what_was_asked() -> None:
    said = replay(question("pm25", "temperature"), frame(*range(1, 10)))

    assert said == {"pm25": 5}


def test_a_sensor_that_has_not_measured_yet_gives_no_zero() -> None:
    said = replay(question("pm25", "n0_3"), frame(*[0] * 13))

    assert said == {"pm25": NOT_VALID, "n0_3": NOT_VALID}


def test_clean_air_is_zero() -> None:
    said = replay(question("pm25"), frame(*[0] * 12, 0x9700))

    assert said == {"pm25": 0}


@pytest.mark.parametrize("receipt", [frame(0xE100), frame(0xE101), frame(0xE400)])
def test_the_receipt_of_a_command_is_passed_over(receipt: bytes) -> None:
    said = replay(question(*FIELDS), receipt + frame(*range(1, 14)))

    assert said is not None
    assert said["pm1"] == 4


def test_a_length_that_no_model_has_is_not_waited_for() -> None:
    said = replay(question("pm1"), b"BM\xff\xff" + frame(*range(1, 14)))

    assert said == {"pm1": 4}


def test_a_torn_longer_frame_does_not_hold_up_a_whole_shorter_one() -> None:
    said = replay(question("pm1"), b"BM\x00\x24" + frame(*range(1, 14)))

    assert said == {"pm1": 4}
