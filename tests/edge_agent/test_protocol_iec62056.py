"""Promise: a meter is signed on to in its own mode, and only what its check confirms is a value."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from crccheck.crc import CrcArc  # type: ignore[import-untyped] # it has no type hints

from edge_agent.protocols.conversation import Listen, Question, Refused, Send, replay
from edge_agent.protocols.iec62056 import READOUT_MAX, Iec62056, block_check
from telemetry.sample import ILLEGAL_ADDRESS, NOT_A_NUMBER, Flag, Quality, Value

GREETING = b"/ISk5MT174-0002\r\n"


def question(*fields: str, address: str = "") -> Question:
    (only,) = Iec62056().questions(address, fields)
    return only


def block(*lines: str) -> bytes:
    text = "".join(f"{line}\r\n" for line in lines).encode() + b"!\r\n\x03"
    return b"\x02" + text + bytes([reduce(xor, text)])


def said_of(line: str, field: str) -> Value | Flag:
    said = replay(question(field), block(line))
    assert said is not None
    return said[field]


@pytest.mark.parametrize(
    ("address", "sign_on"),
    [("", b"/?!\r\n"), ("00012345", b"/?00012345!\r\n"), ("AB 7", b"/?AB 7!\r\n")],
)
def test_signing_on_names_the_meter(address: str, sign_on: bytes) -> None:
    conversation = question("1.8.0", address=address).converse()

    assert next(conversation) == Send(sign_on)


@pytest.mark.parametrize(
    ("letter", "baud"),
    [("0", 300), ("1", 600), ("2", 1200), ("3", 2400), ("4", 4800), ("5", 9600), ("6", 19200)],
)
def test_in_mode_c_the_speed_that_the_meter_offers_is_taken(letter: str, baud: int) -> None:
    conversation = question("1.8.0").converse()
    next(conversation)

    step = conversation.send(f"/LGZ{letter}ZMD120AR.B32\r\n".encode())

    assert step == Send(f"\x060{letter}0\r\n".encode(), baud=baud)


def test_in_mode_b_the_speed_changes_without_a_word() -> None:
    conversation = question("1.8.0").converse()
    next(conversation)

    step = conversation.send(b"/ABCEmodel\r\n")

    assert step == Send(b"", baud=9600)


def test_in_mode_a_the_speed_stays() -> None:
    conversation = question("1.8.0").converse()
    next(conversation)

    step = conversation.send(b"/ABCXmodel\r\n")

    assert step == Listen()


def test_a_meter_is_greeted_back_once() -> None:
    conversation = question("1.8.0").converse()
    next(conversation)
    conversation.send(GREETING)

    steps = [conversation.send(piece) for piece in (b"\x02", b"1.8.0(12", b"*kWh)\r\n")]

    assert steps == [Listen()] * 3


def test_our_own_sign_on_coming_back_is_no_greeting() -> None:
    conversation = question("1.8.0").converse()
    next(conversation)

    step = conversation.send(b"/?!\r\n")

    assert step == Listen()


def test_a_meter_that_sends_by_itself_is_only_listened_to() -> None:
    pushed = question("1.8.0", address="push")
    conversation = pushed.converse()

    steps = [next(conversation), conversation.send(GREETING)]

    assert steps == [Listen()] * 2
    assert pushed.sends == 0


@pytest.mark.parametrize(
    ("frame", "check"),
    [
        # pwitab/iec62056-21, tests/test_bcc.py
        ("01573202433030332839313033323430393232333929031b", 0x1B),
        (b"\x01P0\x02(1234567)\x03P".hex(), ord("P")),
    ],
)
def test_the_block_check_is_what_others_recorded(frame: str, check: int) -> None:
    assert block_check(bytes.fromhex(frame)[1:-1]) == check


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("3.1.0(100*kWh)", "3.1.0", 100),  # pwitab/iec62056-21, tests/test_data.py
        ("1-0:1.8.0*255(0000502.853*kWh)", "1.8.0", 502.853),
        ("1-0:1.8.0*255(0000502.853*kWh)", "1-0:1.8.0*255", 502.853),
        ("1.8.0(0000502.853*kWh)", "1.8.0 kwh", 502.853),
        ("1-0:1.8.1*255(0000012 kWh)", "1.8.1 kWh", 12),
        ("1.7.0(-0.25*kW)", "1.7.0", -0.25),
        ("1.8.0(502*Wh)", "1.8.0 kWh", Flag(Quality.BAD, "wrong_unit")),
        ("1.8.0(502)", "1.8.0 kWh", Flag(Quality.BAD, "wrong_unit")),
        ("1.8.0(------)", "1.8.0", NOT_A_NUMBER),
        ("1.8.0(1e5)", "1.8.0", NOT_A_NUMBER),
        ("1.8.0()", "1.8.0", NOT_A_NUMBER),
        ("0.0.0(00038820)", "0.0.0 text", "00038820"),
        ("F.F(00)", "F.F", 0),
        ("1.6.0(05.123*kW)(2301231830)", "1.6.0", 5.123),
        ("0-1:24.2.1(161129200000W)(00981.443*m3)", "24.2.1 m3", 981.443),
        ("12(12*kWh)13(13*kWh)14(14*kwh)", "13", 13),
        ("2.8.0(1)", "1.8.0", ILLEGAL_ADDRESS),
        ("1:2:3(4)1.8.0(5)", "1.8.0", 5),
        ("1-0:1.8.0*01(3)", "1.8.0", ILLEGAL_ADDRESS),
        ("1-0:1.8.0*01(3)", "1.8.0*01", 3),
        ("1.8.0&01(3)", "1.8.0*01", 3),
        ("0-2:1.8.0(3)", "1-0:1.8.0", ILLEGAL_ADDRESS),
        ("11.8.0(3)", "1.8.0", ILLEGAL_ADDRESS),
    ],
)
def test_a_data_set_says(line: str, field: str, value: object) -> None:
    assert said_of(line, field) == value


def test_what_a_past_period_was_is_not_what_is_now() -> None:
    said = replay(question("1.8.0"), block("1.8.0*01(3)", "1.8.0*02(2)", "1.8.0(4)"))

    assert said == {"1.8.0": 4}


def test_a_meter_that_sends_an_error_refuses() -> None:
    text = b"(ERROR)\x03"

    with pytest.raises(Refused, match="ERROR"):
        replay(question("1.8.0"), GREETING + b"\x02" + text + bytes([reduce(xor, text)]))


def test_a_telegrams_crc_tells_a_changed_digit() -> None:
    text = b"/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(12345.678*kWh)\r\n!"
    end = f"{CrcArc.calc(text):04X}\r\n".encode()

    said = [
        replay(question("1.8.1", address="push"), wire)
        for wire in (text + end, text.replace(b"5.6", b"5.7") + end)
    ]

    assert said == [{"1.8.1": 12345.678}, None]


def test_a_telegram_without_a_check_is_not_believed() -> None:
    telegram = b"/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(12345.678*kWh)\r\n!\r\n"

    said = replay(question("1.8.1", address="push"), telegram)

    assert said is None


@pytest.mark.parametrize("field", ["", "1.8.0(", "1.8.0 kWh x", "(!)", "1:2:3"])
def test_a_field_that_is_no_code_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="should be such as"):
        Iec62056().questions("", [field])


@pytest.mark.parametrize("noise", [b"\x02\x02", b"\x02ab\x02ab\x02\x02"])
def test_a_block_begins_at_its_own_stx(noise: bytes) -> None:
    said = replay(question("1.8.0"), noise + block("1.8.0(5)"))

    assert said == {"1.8.0": 5}


def test_a_crc_may_come_without_leading_zeros() -> None:
    # a heat meter's P1 adapter: ndokter/dsmr_parser, test/example_telegrams.py
    lines = (
        *("/NWA-WARMTELINK", "", "1-3:0.2.8(50)", "0-0:1.0.0(260215200523W)"),
        *("0-0:96.1.1(ADC3100000158491)", "0-0:96.13.1()", "0-0:96.13.0()", "0-1:24.1.0(004)"),
        *("0-1:96.1.0(621848012D2C0B0C)", "0-1:24.2.1(260215200523W)(240.860*GJ)", "!B9F", ""),
    )

    said = replay(question("24.2.1 GJ", address="push"), "\r\n".join(lines).encode())

    assert said == {"24.2.1 GJ": 240.86}


@pytest.mark.parametrize("byte", [b"/", b"\x02"])
def test_a_line_stuck_at_one_byte_costs_no_time(byte: bytes) -> None:
    conversation = question("1.8.0", address="push").converse()
    next(conversation)

    steps = [conversation.send(byte) for _ in range(READOUT_MAX)]

    assert steps == [Listen()] * READOUT_MAX
