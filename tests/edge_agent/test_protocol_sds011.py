"""Promise: a Nova sensor is heard or asked, the right one, and warming up is not clean air."""

from __future__ import annotations

import pytest

from edge_agent.protocols.conversation import Question, replay
from edge_agent.protocols.sds011 import Sds011
from parts.talk import talk
from telemetry.sample import NOT_VALID

MEASURED = bytes.fromhex("aac0 0900 0a00 58d9 44 ab")
FROM_ANOTHER = bytes.fromhex("aac0 6400 c800 a160 2d ab")
ZERO = bytes.fromhex("aac0 0000 0000 58d9 31 ab")
RECEIPT = bytes.fromhex("aac5 0201 0100 58d9 35 ab")


def question(*fields: str, address: str = "") -> Question:
    (only,) = Sds011().questions(address, fields)
    return only


@pytest.mark.parametrize("address", ["", "active"])
def test_a_sensor_in_active_mode_is_listened_to(address: str) -> None:
    result = talk(question("pm25", "pm10", "device_id", address=address), [MEASURED])

    assert result.sent == []
    assert result.said == {"pm25": 9, "pm10": 10, "device_id": "58d9"}


def test_any_sensor_can_be_asked() -> None:
    result = talk(question("pm25", address="query"), [MEASURED])

    assert result.sent == [bytes.fromhex("aab404000000000000000000000000ffff02ab")]
    assert result.said == {"pm25": 9}


def test_one_sensor_can_be_asked_and_another_ones_answer_is_not_its() -> None:
    result = talk(question("pm25", address="a160"), [MEASURED, FROM_ANOTHER])

    assert result.sent == [bytes.fromhex("aab404000000000000000000000000a16005ab")]
    assert result.said == {"pm25": 100}


def test_zero_for_both_sizes_is_a_sensor_that_has_not_measured() -> None:
    said = replay(question("pm25", "pm10", "device_id"), ZERO)

    assert said == {"pm25": NOT_VALID, "pm10": NOT_VALID, "device_id": "58d9"}


def test_the_receipt_of_a_command_is_passed_over() -> None:
    said = replay(question("pm25"), RECEIPT + MEASURED)

    assert said == {"pm25": 9}


@pytest.mark.parametrize("address", ["A160", "a1", "zzzz", "a1600"])
def test_an_id_is_four_hex_digits(address: str) -> None:
    with pytest.raises(ValueError, match="should be active, query, or an id such as a160"):
        question("pm25", address=address)
