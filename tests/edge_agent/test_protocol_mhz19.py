"""Promise: an MH-Z19 is asked by its data sheet's command, and nothing else passes as answer."""

from __future__ import annotations

import pytest

from edge_agent.protocols.conversation import Question, replay
from edge_agent.protocols.mhz19 import FIELDS, Mhz19
from parts.talk import talk
from telemetry.sample import NOT_VALID

ANSWER = bytes.fromhex("ff86 0260 47 00 0000 d1")
"""The data sheet's answer: 608 ppm."""


def question(*fields: str, address: str = "1") -> Question:
    (only,) = Mhz19().questions(address, fields)
    return only


@pytest.mark.parametrize("address", ["", "1"])
def test_the_request_is_the_data_sheets(address: str) -> None:
    result = talk(question("co2", address=address), [ANSWER])

    assert result.sent == [bytes.fromhex("ff 01 86 00 00 00 00 00 79")]
    assert result.said == {"co2": 608}


def test_the_temperature_is_raw() -> None:
    assert replay(question("temperature", "status"), ANSWER) == {"temperature": 71, "status": 0}


def test_an_echo_of_the_request_is_no_answer() -> None:
    request = bytes.fromhex("ff 01 86 00 00 00 00 00 79")

    result = talk(question("co2"), [request, ANSWER])

    assert result.said == {"co2": 608}


def test_a_sensor_that_has_not_measured_gives_no_zero() -> None:
    said = replay(question(*FIELDS), bytes.fromhex("ff86 0000 0000 0000 7a"))

    assert said == dict.fromkeys(FIELDS, NOT_VALID)


@pytest.mark.parametrize("address", ["0", "256", "one", "²", "-1"])
def test_a_number_is_from_1_to_255(address: str) -> None:
    with pytest.raises(ValueError, match="should be 1 to 255"):
        question("co2", address=address)
