"""Promise: Lufft's devices are asked as their manuals show, and each channel's status is told."""

from __future__ import annotations

import struct

import pytest
from crccheck.crc import Crc16Mcrf4XX  # type: ignore[import-untyped] # it has no type hints
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.conversation import Question, Refused, replay
from edge_agent.protocols.umb import Umb
from parts.talk import talk
from telemetry.sample import (
    BAD_REPLY,
    DEVICE_ERROR,
    ILLEGAL_ADDRESS,
    NOT_A_NUMBER,
    OVERFLOW,
    Flag,
    Quality,
)


def question(*fields: str, address: str = "0x7001") -> Question:
    (only,) = Umb().questions(address, fields)
    return only


def answer(command: int, payload: bytes, *, sender: int = 0x7001, to: int = 0xF001) -> bytes:
    head = struct.pack("<BBHHBBBB", 1, 0x10, to, sender, len(payload) + 2, 2, command, 0x10)
    body = head + payload + b"\x03"
    crc: int = Crc16Mcrf4XX.calc(body)
    return body + crc.to_bytes(2, "little") + b"\x04"


def part(status: int, channel: int, value: bytes = b"") -> bytes:
    content = bytes([status]) + channel.to_bytes(2, "little") + value
    return bytes([len(content)]) + content


@pytest.mark.parametrize(
    ("address", "fields", "request_hex"),
    [
        # MARWIS-UMB manual, §19.2.4 and 19.2.5
        ("0xA001", ["100"], "011001a001f004022310640003bef804"),
        ("0xA001", ["100", "900"], "011001a001f007022f10026400840303c12604"),
        # a public tool for WS stations
        (
            "28673",
            ["100", "200", "300", "401", "501", "625", "960"],
            "0110017001f011022f10076400c8002c019101f5017102c003038aac04",
        ),
        # UMB protocol 1.0, version 1.7, §3.11: it prints the checksum as D9 61, bytes swapped
        ("0x7001", ["100"], "0110017001f00402231064000361d904"),
    ],
)
def test_a_request_is_what_the_manuals_show(
    address: str, fields: list[str], request_hex: str
) -> None:
    sent = talk(question(*fields, address=address), []).sent

    assert [request.hex() for request in sent] == [request_hex]


def test_a_checksum_with_swapped_bytes_is_wrong() -> None:
    good = answer(0x23, bytes.fromhex("0064001600002041"))
    swapped = good[:-3] + good[-3:-1][::-1] + good[-1:]

    said = [replay(question("100"), frame) for frame in (good, swapped)]

    assert said == [{"100": 10.0}, None]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("10ff", 255),
        ("11ff", -1),
        ("12ffff", 65535),
        ("13feff", -2),
        ("14ffffffff", 4294967295),
        ("15fdffffff", -3),
        ("16cdcccc3d", 0.1),
        ("179a9999999999b93f", 0.1),
        ("160000c07f", NOT_A_NUMBER),
        ("16000080ff", NOT_A_NUMBER),
        ("1600", BAD_REPLY),
        ("9900", BAD_REPLY),
        ("", BAD_REPLY),
    ],
)
def test_a_value_is_of_the_type_that_it_says(value: str, meant: object) -> None:
    frame = answer(0x23, bytes.fromhex("006400" + value))

    assert replay(question("100"), frame) == {"100": meant}


@pytest.mark.parametrize(
    ("status", "flag"),
    [
        (0x24, ILLEGAL_ADDRESS),
        (0x28, Flag(Quality.BAD, "not_ready")),
        (0x50, OVERFLOW),
        (0x51, Flag(Quality.BAD, "underflow")),
        (0x55, Flag(Quality.BAD, "not_measurable")),
        (0x77, DEVICE_ERROR),
    ],
)
def test_a_channel_without_a_value_does_not_cost_the_others(status: int, flag: Flag) -> None:
    parts = part(status, 500) + part(0, 100, bytes.fromhex("1000"))

    said = replay(question("100", "500"), answer(0x2F, b"\x00\x02" + parts))

    assert said == {"100": 0, "500": flag}


@pytest.mark.parametrize("payload", ["55", "55f401"])
def test_the_only_channels_status_may_come_without_its_number(payload: str) -> None:
    said = replay(question("500"), answer(0x23, bytes.fromhex(payload)))

    assert said == {"500": Flag(Quality.BAD, "not_measurable")}


def test_a_channel_that_an_answer_leaves_out_is_flagged() -> None:
    frame = answer(0x2F, b"\x00\x01" + part(0, 100, bytes.fromhex("1007")))

    said = replay(question("100", "200"), frame)

    assert said == {"100": 7, "200": BAD_REPLY}


def test_a_part_that_is_longer_than_the_answer_has_no_value() -> None:
    frame = answer(0x2F, b"\x00\x02" + part(0, 100, bytes.fromhex("1007")) + b"\x09\x00")

    said = replay(question("100", "200"), frame)

    assert said == {"100": 7, "200": BAD_REPLY}


def test_a_device_that_does_not_know_the_command_refuses() -> None:
    with pytest.raises(Refused, match="unknown command"):
        replay(question("100", "200"), answer(0x2F, b"\x10"))


def test_many_channels_are_asked_for_in_messages_that_have_room() -> None:
    fields = [str(channel) for channel in range(100, 140)]

    questions = Umb().questions("0x7001", fields)

    assert [field for each in questions for field in each.fields] == fields
    assert max(len(each.fields) for each in questions) == 16


@pytest.mark.parametrize(
    "frame",
    [
        answer(0x23, bytes.fromhex("0065001007")),
        answer(0x23, bytes.fromhex("0064001007"), sender=0x7002),
        answer(0x23, bytes.fromhex("0064001007"), to=0x7001, sender=0xF001),
        answer(0x20, bytes.fromhex("0064001007")),
        answer(0x23, b""),
    ],
    ids=["another channel", "another device", "a request", "another command", "empty"],
)
def test_a_good_frame_that_is_no_answer_is_passed_over(frame: bytes) -> None:
    right = answer(0x23, bytes.fromhex("0064001009"))

    said = replay(question("100"), frame + right)

    assert said == {"100": 9}


@given(st.sampled_from([0x20, 0x23, 0x2F]), st.binary(max_size=60))
def test_any_payload_with_a_right_checksum_does_no_harm(command: int, payload: bytes) -> None:
    try:
        said = replay(question("100", "200"), answer(command, payload))
    except Refused:
        said = None

    assert said is None or set(said) == {"100", "200"}


@pytest.mark.parametrize("address", ["0", "0x0001", "0x7000", "7001x", "", "99999"])
def test_an_address_that_is_no_devices_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="class 7, device 1"):
        Umb().questions(address, ["100"])
