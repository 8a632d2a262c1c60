"""Promise: M-Bus meters are read as EN 13757 says; where a record has no value, none is made up."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Question, Refused, replay
from edge_agent.protocols.mbus import Mbus
from parts.talk import talk
from telemetry.sample import (
    BAD_REPLY,
    ILLEGAL_ADDRESS,
    NOT_A_NUMBER,
    NOT_VALID,
    OVERFLOW,
    UNKNOWN_CODE,
)

ITRON = bytes.fromhex("78034911 7704 0e 16")
"""Number 11490378, maker ACW, version 14, cold water."""


def question(*fields: str, address: str = "8") -> Question:
    (only,) = Mbus().questions(address, fields)
    return only


def frame(content: bytes) -> bytes:
    head = bytes([0x68, len(content), len(content), 0x68])
    return head + content + bytes([sum(content) & 0xFF, 0x16])


def telegram(records: str, *, ci: str = "72", signature: str = "0000", sender: int = 8) -> bytes:
    head = ITRON + bytes.fromhex("0a04" + signature)
    return frame(bytes([0x08, sender]) + bytes.fromhex(ci) + head + bytes.fromhex(records))


def said_of(records: str, field: str) -> object:
    said = replay(question(field), telegram(records))
    assert said is not None
    return said[field]


def test_a_meter_is_reset_then_asked_with_the_frame_count_bit_set() -> None:
    result = talk(question("volume"), [b"", b"\xe5", telegram("0413 39300000")])

    assert result.sent == [bytes.fromhex("10 40 08 48 16"), bytes.fromhex("10 7b 08 83 16")]
    assert result.said == {"volume": 12.345}


def test_a_meter_is_selected_by_its_secondary_address() -> None:
    by_number = question("volume", address="1149037877040e16")

    result = talk(by_number, [b"\xe5", telegram("0413 39300000", sender=3)])

    assert result.sent == [
        bytes.fromhex("68 0b0b 68 53 fd 52 78034911 7704 0e 16 16 16"),
        bytes.fromhex("10 7b fd 78 16"),
    ]
    assert result.said == {"volume": 12.345}


@pytest.mark.parametrize(
    ("address", "is_it"),
    [
        ("11490378FFFFFFFF", True),
        ("FFFFFFFF77040E16", True),
        ("1149F37877040E16", True),
        ("1149037977040E16", False),
        ("1149037877050E16", False),
        ("1149037877040E07", False),
    ],
)
def test_only_the_selected_meters_telegram_is_taken(address: str, is_it: bool) -> None:  # noqa: FBT001 - a row of a table
    said = replay(question("volume", address=address), telegram("0413 39300000"))

    assert (said is not None) is is_it


def test_a_readout_of_several_telegrams_goes_on_until_the_fields_are_found() -> None:
    first, second = telegram("0413 01000000 1f"), telegram("042b 07000000 1f")

    result = talk(question("volume", "power_w"), [b"\xe5", first, second])

    assert [request.hex() for request in result.sent] == ["1040084816", "107b088316", "105b086316"]
    assert result.said == {"volume": 0.001, "power_w": 7}


def test_records_are_numbered_across_telegrams() -> None:
    first, last = telegram("0413 01000000 0413 02000000 1f"), telegram("042b 07000000")

    said = talk(question("0", "1", "2", "3"), [b"\xe5", first, last]).said

    assert said == {"0": 0.001, "1": 0.002, "2": 7, "3": ILLEGAL_ADDRESS}


def test_a_meter_that_never_ends_is_left_after_16_telegrams() -> None:
    endless = telegram("0413 01000000 1f")

    result = talk(question("power_w"), [b"\xe5", *[endless] * 20])

    assert len(result.sent) == 17
    assert result.said == {"power_w": ILLEGAL_ADDRESS}


@pytest.mark.parametrize(
    ("records", "field", "value"),
    [
        ("0413 39300000", "volume", 12.345),
        ("0c13 45230100", "volume", 12.345),
        ("0c13 452301f0", "volume", -12.345),
        ("0c13 4523010a", "volume", NOT_A_NUMBER),
        ("0b3b 00d0f0", "volume_flow", NOT_A_NUMBER),
        ("0413 00000080", "volume", NOT_VALID),
        ("0416 39300000", "volume", 12345),
        ("0706 ffffffffffffff7f", "energy_wh", OVERFLOW),
        ("055b 0000b841", "flow_temperature", 23.0),
        ("055b cdccb841", "flow_temperature", 23.1),
        ("055b 0000c07f", "flow_temperature", NOT_A_NUMBER),
        ("025b 8aff", "flow_temperature", -118),
        ("0259 8aff", "flow_temperature", -1.18),
        ("04fd48 fe080000", "volts", 230.2),
        ("02fd17 0080", "error_flags", 0x8000),
        ("0c78 34120900", "fabrication_no", "00091234"),
        ("0d78 0831323334353637 38", "fabrication_no", "87654321"),
        ("0d78 00", "fabrication_no", ""),
        ("0dfd0c c22301", "model_version", 123),
        ("0dfd0c d22301", "model_version", -123),
        ("0dfd0c e3010203", "model_version", "03 02 01"),
        ("046d 0b0bcd13", "date_time", "2014-03-13T11:11:00"),
        ("046d 8b0bcd13", "date_time", NOT_VALID),
        ("066d 2c0b0bcd1300", "date_time", "2014-03-13T11:11:44"),
        ("026c cd13", "date", "2014-03-13"),
        ("026c 0000", "date", NOT_VALID),
        ("036d 2c0b0b", "date_time", "11:11:44"),
        ("016d 2c", "date_time", NOT_VALID),
        ("0013", "volume", NOT_VALID),
        ("3f13 01", "0", BAD_REPLY),
        ("0d78 fb01", "0", BAD_REPLY),
        ("84" + "80" * 10 + "00 13 01000000", "0", BAD_REPLY),
        ("026c ffff", "date", NOT_VALID),
        ("4413 01000000", "volume@1", 0.001),
        ("8410 13 01000000", "volume#1", 0.001),
        ("8440 13 01000000", "volume/1", 0.001),
        ("142b 01000000", "max.power_w", 1),
        ("242b 01000000", "min.power_w", 1),
        ("342b 01000000", "error.power_w", 1),
        ("142b 01000000 042b 02000000", "power_w", 2),
        ("04933c 01000000 0413 02000000", "volume", 0.002),
        ("04937d 01000000", "volume", 1),
        ("2f2f 0413 01000000 2f", "0", 0.001),
        ("0f 0102ff", "0", "01 02 FF"),
        ("047c 02 5750 01000000", "0", 1),
        ("04fc 02 5750 73 01000000", "0", 0.001),
        ("046f 01000000", "0", UNKNOWN_CODE),
        ("04fd7f 01000000", "0", UNKNOWN_CODE),
        ("04fd60 01000000", "reset_counter", 1),
        ("04fb7c 01000000", "0", 10),
        ("04fb00 02000000", "energy_wh", 200_000),
        ("04fb09 02000000", "energy_j", 2_000_000_000),
        ("04fb10 02000000", "volume", 200),
        ("04fb21 02000000", "volume_feet_3", 0.2),
        ("04fb30 02000000", "power_j_h", 200_000_000),
        ("02fb1a c901", "relative_humidity", 45.7),
        ("0413", "volume", ILLEGAL_ADDRESS),
    ],
)
def test_a_record_says(records: str, field: str, value: object) -> None:
    assert said_of(records, field) == value


def test_a_record_that_ends_too_early_does_not_cost_those_before_it() -> None:
    said = replay(question("0", "1", "2"), telegram("0413 01000000 0413 0100"))

    assert said == {"0": 0.001, "1": BAD_REPLY, "2": ILLEGAL_ADDRESS}


def test_a_head_says_who_the_meter_is_and_how_it_is() -> None:
    fields = ("id", "manufacturer", "version", "medium", "status", "access_number")

    said = replay(question(*fields), telegram(""))

    assert said == {
        "id": "11490378",
        "manufacturer": "ACW",
        "version": 14,
        "medium": 0x16,
        "status": 4,
        "access_number": 10,
    }


def test_numbers_may_come_high_byte_first() -> None:
    head = bytes.fromhex("11490378 0477 0e 16 0a 00 0000")
    wire = frame(bytes.fromhex("080876") + head + bytes.fromhex("0413 00003039"))

    said = replay(question("volume", "id", "manufacturer"), wire)

    assert said == {"volume": 12.345, "id": "11490378", "manufacturer": "ACW"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        # rscada/libmbus, test/error-frames
        ("00", "unspecified error"),
        ("01", "no such request"),
        ("08", "busy"),
        ("09", "too many readouts"),
    ],
)
def test_a_meter_that_reports_an_error_refuses(code: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        replay(question("volume", address="1"), frame(bytes.fromhex("080170" + code)))


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (telegram("0413 01000000", signature="0005"), "encrypted"),
        (telegram("0413 01000000", ci="7b"), "CI 7B"),
        # rscada/libmbus, test/error-frames/too_short_header.hex
        (bytes.fromhex("68080868080872785634 1224ba16"), "5 bytes"),
        (frame(bytes.fromhex("0808731234")), "2 bytes, not 16"),
    ],
)
def test_a_telegram_that_cannot_be_read_is_told_why(wire: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        replay(question("volume"), wire)


def test_old_counters_are_of_the_units_that_they_say() -> None:
    # rscada/libmbus, test/test-frames/sen_pollusonic_2.hex, in binary and of other units
    content = bytes.fromhex("080873 93929190 10 80 86 40 69000000 01000000")

    said = replay(question("id", "status", "0", "1", "energy_wh"), frame(content))

    assert said == {
        "id": "90919293",
        "status": 0x80,
        "0": 1_050_000,
        "1": 1,
        "energy_wh": 1_050_000,
    }


def test_a_request_of_another_master_is_no_telegram() -> None:
    request = frame(bytes([0x53, 8, 0x72]) + ITRON + bytes.fromhex("0a040000 0413 01000000"))

    said = replay(question("volume"), request + telegram("0413 02000000"))

    assert said == {"volume": 0.002}


@given(st.binary(max_size=80), st.sampled_from(["72", "73", "76", "77", "78"]))
def test_any_records_with_a_right_checksum_do_no_harm(records: bytes, ci: str) -> None:
    fields = ("0", "1", "2", "volume", "max.power_w", "date_time", "id")
    wire = frame(bytes.fromhex("0808" + ci) + ITRON + bytes.fromhex("0a040000") + records)
    try:
        said = replay(question(*fields), wire)
    except Refused:
        said = None

    assert said is None or set(said) == set(fields)


def test_the_tables_are_loaded_for_the_first_telegram_only() -> None:
    program = (
        "import sys; from edge_agent.protocols import PROTOCOLS;"
        "PROTOCOLS['mbus'].questions('8', ['volume']); print('meterbus' in sys.modules)"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout == "False\n"


@pytest.mark.parametrize("address", ["251", "-1", "1149037877040E1", "G149037877040E16", ""])
def test_an_address_that_no_meter_can_have_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="0 to 250, or 16 hex digits"):
        Mbus().questions(address, ["volume"])


SELECTION = bytes.fromhex("68 0b0b 68 53 fd 52 78034911 7704 0e 16 16 16")


@pytest.mark.parametrize(
    "before",
    [SELECTION, telegram("0413 01000000", sender=9).replace(b"\x0e\x16", b"\x0f\x16")],
    ids=["our own selection coming back", "another meter's telegram"],
)
def test_a_foreign_frame_before_the_acknowledgement_does_not_keep_the_meter_from_being_asked(
    before: bytes,
) -> None:
    own = telegram("0413 39300000", sender=3)
    foreign = before[:-2] + bytes([sum(before[4:-2]) & 0xFF, 0x16])

    result = talk(question("volume", address="1149037877040e16"), [foreign, b"\xe5", own])

    assert result.sent == [SELECTION, bytes.fromhex("10 7b fd 78 16")]
    assert result.said == {"volume": 12.345}


@pytest.mark.parametrize("noise", [b"\x68", b"\x00", b"\x68\xff\xff\x68"])
def test_a_line_that_never_acknowledges_fills_no_memory(noise: bytes) -> None:
    conversation = question("volume").converse()
    next(conversation)

    for _ in range(100):
        conversation.send(noise * 100)

    assert len(inspect.getgeneratorlocals(conversation)["heard"]) < 1000
