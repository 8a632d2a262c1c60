"""Promise: a Vaisala transmitter's values have one unit, whatever it is set to; damage shows."""

from __future__ import annotations

import math

import pytest
from crccheck.crc import CrcArc  # type: ignore[import-untyped] # it has no type hints
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Question, Refused, replay
from edge_agent.protocols.wxt import Wxt, crc
from edge_agent.protocols.wxt_fields import FIELDS
from parts.talk import talk
from telemetry.sample import NOT_VALID, UNKNOWN_CODE


def question(*fields: str, address: str = "0") -> Question:
    (only,) = Wxt().questions(address, fields)
    return only


def line(text: str) -> bytes:
    return f"{text}\r\n".encode()


def checked(text: str) -> bytes:
    return text.encode() + crc(text.encode()) + b"\r\n"


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        ("", [b"0R0\r\n"]),
        ("0", [b"0R0\r\n"]),
        ("A", [b"AR0\r\n"]),
        ("0/crc", [b"0r0Kld\r\n"]),
        ("0/auto", []),
    ],
)
def test_the_address_tells_how_it_is_asked(address: str, request_: list[bytes]) -> None:
    assert talk(question("Ta", address=address), []).sent == request_


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0r0", b"Kld"), ("0r1", b"Goe"), ("0r2", b"Gje"), ("0r3", b"Kid"), ("0r5", b"Kcd")],
)
def test_the_crc_is_the_one_in_the_users_guide(text: str, expected: bytes) -> None:
    assert crc(text.encode()) == expected


@given(st.binary(max_size=80))
def test_the_crc_is_that_of_another_implementation(text: bytes) -> None:
    value = CrcArc.calc(text)

    assert [byte & 0x3F for byte in crc(text)] == [value >> 12, value >> 6 & 63, value & 63]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("Pa=1018.1H", 1018.1),
        ("Pa=101810P", 1018.1),
        ("Pa=1.0181B", 1018.1),
        ("Pa=760.0M", 1013.250144354),
        ("Pa=30.06I", 1017.94842),
        ("Sm=36.0K", 10.0),
        ("Sm=10.0S", 4.4704),
        ("Sm=10.0N", 5.144444444),
        ("Ta=-40.0F", -40.0),
        ("Ta=212.0F", 100.0),
        ("Ta=-7.3C", -7.3),
        ("Rc=1.00I", 25.4),
        ("Ri=0.50I", 12.7),
        ("Hc=6.4516I", 1.0),
        ("Dm=274D", 274.0),
        ("Ua=73.7P", 73.7),
    ],
)
def test_every_unit_becomes_the_one_of_the_field(said: str, value: float) -> None:
    key = said[:2]

    answer = replay(question(key), line(f"0R0,{said}"))

    assert answer is not None
    number = answer[key]
    assert isinstance(number, float)
    assert math.isclose(number, value, rel_tol=1e-8)


def test_metric_values_are_exact() -> None:
    said = replay(question("Pa", "Sm"), line("0R0,Sm=5.8M,Pa=1.0058B"))

    assert said == {"Sm": 5.8, "Pa": 1005.8}


def test_a_value_that_the_transmitter_calls_invalid_is_a_flag() -> None:
    said = replay(question("Dm", "Vh", "Vh.mode"), line("0R0,Dm=106#,Vh=11.9#"))

    assert said == {"Dm": NOT_VALID, "Vh": NOT_VALID, "Vh.mode": NOT_VALID}


def test_a_unit_that_nobody_knows_is_a_flag() -> None:
    said = replay(question("Ta", "Hc"), line("0R0,Ta=289.1K,Hc=3H"))

    assert said == {"Ta": UNKNOWN_CODE, "Hc": UNKNOWN_CODE}


@pytest.mark.parametrize(
    ("letter", "mode"),
    [("N", "off"), ("V", "half_power"), ("W", "full_power"), ("F", "half_power_too_cold")],
)
def test_the_heatings_letter_is_its_mode(letter: str, mode: str) -> None:
    said = replay(question("Vh", "Vh.mode"), line(f"0R0,Vh=12.1{letter}"))

    assert said == {"Vh": 12.1, "Vh.mode": mode}


@pytest.mark.parametrize("message", ["0R0", "0R1", "0R2", "0R3", "0R5"])
def test_each_message_says_what_is_in_it(message: str) -> None:
    said = replay(question(*FIELDS), line(f"{message},Ta=16.0C,Xy=9Z"))

    assert said == {"Ta": 16.0}


@pytest.mark.parametrize(
    "damage",
    [
        "0R1,Dn=0m=032D,Sm=0.1M,Ta=27.9C",
        "0R0,Ta=27..9C",
        "0R0,Ta=27.9",
        "0R0,Ta=C",
        "0R0,Ta=27.9C,",
        "0R0,Ta=27.9CUa=39.4P",
        "0R0,ta=27.9C",
        "0R0,Ta=27.9C,Ta=28.0C",
        "0R0",
        "0R9,Ta=27.9C",
        "0X0,Ta=27.9C",
        "1R0,Ta=27.9C",
        "0R0,Ta=27\u00b79C",
    ],
)
def test_where_bytes_were_lost_no_field_is_believed(damage: str) -> None:
    asked = question("Ta")

    assert replay(asked, line(damage)) is None
    assert replay(asked, line(damage) + line("0R0,Ta=16.0C")) == {"Ta": 16.0}


def test_a_line_with_a_crc_is_checked_whoever_asked() -> None:
    good = checked("0r0,Ta=16.0C")

    assert replay(question("Ta"), good) == {"Ta": 16.0}
    assert replay(question("Ta"), good.replace(b"16", b"17")) is None
    assert replay(question("Ta", address="0/crc"), good) == {"Ta": 16.0}


def test_who_asks_with_a_crc_believes_no_line_without() -> None:
    said = replay(question("Ta", address="0/crc"), line("0R0,Ta=17.0C") + checked("0r0,Ta=16.0C"))

    assert said == {"Ta": 16.0}


def test_one_flipped_bit_in_a_checked_line_leaves_no_value() -> None:
    good = checked("0r0,Dm=274D,Sm=5.8M,Ta=17.9C,Ua=73.7P,Pa=1005.8H")
    asked = question("Dm", "Ta", address="0/crc")
    flipped = [
        good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :]
        for at in range(len(good))
        for bit in range(8)
    ]

    assert [replay(asked, each) for each in flipped] == [None] * len(flipped)


@pytest.mark.parametrize(
    "text",
    [
        b"0TX,Unable to measure error\r\n",
        b"0TX,Sync/address error\r\n",
        b"0TX,Unknown cmd error\r\n",
        b"0tX,Use chksum GoeIU~\r\n",
    ],
)
def test_an_error_message_is_a_refusal_in_its_own_words(text: bytes) -> None:
    with pytest.raises(Refused, match=r"the transmitter says: (Un|Sync|Use chksum Goe$)"):
        replay(question("Ta"), text)


@pytest.mark.parametrize("text", ["0TX,Start-up", "0TX,Rain reset", "1TX,Unknown cmd error"])
def test_other_text_messages_are_passed_over(text: str) -> None:
    assert replay(question("Ta"), line(text) + line("0R0,Ta=16.0C")) == {"Ta": 16.0}


@pytest.mark.parametrize("address", ["00", "?", "0/CRC", "#"])
def test_an_address_is_one_digit_or_letter(address: str) -> None:
    with pytest.raises(ValueError, match="should be one digit or letter, such as 0 or 0/crc"):
        question("Ta", address=address)


def test_a_line_that_is_joined_behind_a_resistance_is_no_message() -> None:
    # 0R4,Tr=13.0C,Ra=0.0M,Sl=0.000733V,Rt=1050.0R,Sr=-0.213999V, heard from its last 0 on
    (question,) = Wxt().questions("0/auto", ["Tr", "Sr"])

    said = replay(question, b"0R,Sr=-0.213999V\r\n")

    assert said is None
