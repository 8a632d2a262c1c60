"""Promise: text is what the device wrote, without its padding; what is no text is a flag."""

from __future__ import annotations

from typing import Any

import pytest

from device_profiles.channel import RegisterChannel
from device_profiles.decode import decoder
from device_profiles.encode import NotEncodable, encode
from telemetry.sample import NOT_VALID, OVERFLOW


def channel(kind: str, **more: Any) -> RegisterChannel:  # noqa: ANN401 - a channel's keys
    entry = {"id": "c", "table": "holding", "address": 0, "type": kind, **more}
    return RegisterChannel.model_validate(entry)


def registers(data: bytes) -> list[int]:
    return [high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True)]


def decode(kind: str, data: bytes, **more: Any) -> Any:  # noqa: ANN401 - any outcome
    return decoder(channel(kind, **more))(registers(data))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"PM5110\0\0\0\0\0\0", "PM5110"),
        (b"PM5110      ", "PM5110"),
        (b"PM5110 \0\0\0\0\0", "PM5110"),
        (b"PM5110\0\xfe\xffold", "PM5110"),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", ""),
        (b"\0PM5110 v1.0", ""),
        (b"            ", ""),
        (b"  PM5110\r\n\0\0", "  PM5110"),
        ("25 °C, trạm".encode().ljust(16, b"\0"), "25 °C, trạm"),
    ],
)
def test_padding_and_what_follows_it_are_no_text(data: bytes, text: str) -> None:
    assert decode("str", data, length=len(data) // 2) == text


@pytest.mark.parametrize(
    "data", [b"25 \xb0C\0", b"\xff" * 6, b"\xc3\0\0\0\0\0", b"\xed\xa0\x80\0\0\0"]
)
def test_bytes_that_are_not_utf8_are_not_valid(data: bytes) -> None:
    assert decode("str", data, length=3) == NOT_VALID


@pytest.mark.parametrize(
    ("data", "more", "text"),
    [
        (b"bAdc\0e", {"order": "BA"}, "Abcde"),
        (b"A?b?c?\0?", {"layout": "upper"}, "Abc"),
        (b"?A?b?c?\0", {"layout": "lower"}, "Abc"),
        (b"?A?b?c?\0", {"layout": "upper", "order": "BA"}, "Abc"),
        (b"A?b?c?\0?", {"layout": "lower", "order": "BA"}, "Abc"),
    ],
)
def test_characters_can_stand_in_one_half_of_each_register(
    data: bytes, more: dict[str, str], text: str
) -> None:
    assert decode("str", data, length=len(data) // 2, **more) == text


@pytest.mark.parametrize("layout", ["upper", "lower"])
def test_half_registers_hold_half_the_characters(layout: str) -> None:
    one = channel("str", length=3, layout=layout)

    assert decoder(one)(encode(one, "abc")) == "abc"
    with pytest.raises(NotEncodable, match="it holds 3"):
        encode(one, "abcd")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"  -12.50", -12.5),
        (b"+0230.1\0", 230.1),
        (b"230\0junk", 230.0),
        (b".5\0\0\0\0\0\0", 0.5),
        (b"7.\0\0\0\0\0\0", 7.0),
        (b"-1.5E+03", -1500.0),
        (b"12,5\0\0\0\0", NOT_VALID),
        (b"12 5\0\0\0\0", NOT_VALID),
        (b"--------", NOT_VALID),
        (b"        ", NOT_VALID),
        (b"\0\0\0\0\0\0\0\0", NOT_VALID),
        (b"nan\0\0\0\0\0", NOT_VALID),
        (b"1/3\0\0\0\0\0", NOT_VALID),
        ("٣٤".encode() + bytes(4), NOT_VALID),
        (b"99999999", 99_999_999.0),
    ],
)
def test_a_number_can_be_written_out(data: bytes, value: Any) -> None:  # noqa: ANN401 - any outcome
    assert decode("dec", data, length=4) == value


def test_a_number_written_out_is_scaled_exactly() -> None:
    assert decode("dec", b"2301\0\0", length=3, scale=0.1) == 230.1
    assert decode("dec", b"21.7", length=2, scale=0.01, offset=-0.2) == 0.017


def test_a_number_written_out_can_be_too_large() -> None:
    assert decode("dec", b"9e99", length=2) == 9e99
    assert decode("dec", b"9" * 250, length=125) == float("9" * 250)
    assert decode("dec", b"9" * 246 + b"e+99", length=125) == OVERFLOW


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("ip4", bytes([192, 168, 1, 20]), "192.168.1.20"),
        ("ip6", bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
        ("ip6", bytes(16), "::"),
        ("eui48", bytes.fromhex("0000001a2b3c4d5e"), "00:1a:2b:3c:4d:5e"),
        ("unix32", bytes.fromhex("67748580"), "2025-01-01T00:00:00"),
        ("unix32", bytes.fromhex("ffffffff"), "2106-02-07T06:28:15"),
        ("iec870", bytes.fromhex("0018 0c7f 172d 765c"), "2024-12-31T23:45:30.300"),
        ("iec870", bytes.fromhex("0018 0c1f 972d 0000"), "2024-12-31T23:45:00.000"),
        ("ymdhms3", bytes([24, 12, 31, 23, 59, 58]), "2024-12-31T23:59:58"),
        ("ymdhms3", bytes([124, 12, 31, 23, 59, 58]), "2024-12-31T23:59:58"),
        ("ymdhms6", bytes.fromhex("07e8 000c 001f 0017 003b 003a"), "2024-12-31T23:59:58"),
        ("ymdhms6", bytes.fromhex("0018 000c 001f 0017 003b 003a"), "2024-12-31T23:59:58"),
    ],
)
def test_addresses_and_clocks_are_spelled_as_people_do(kind: str, data: bytes, text: str) -> None:
    assert decode(kind, data) == text


def test_a_clock_may_count_its_fields_in_another_order() -> None:
    month_day_year_hour = bytes([12, 31, 124, 23, 59, 58])

    assert decode("ymdhms3", month_day_year_hour, order="BCADEF") == "2024-12-31T23:59:58"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("iec870", bytes(8)),
        ("iec870", b"\xff" * 8),
        ("iec870", bytes.fromhex("0018 0c1f 17ad 765c")),  # the device calls it invalid
        ("iec870", bytes.fromhex("0018 0c1f 172d ea60")),  # second 60
        ("iec870", bytes.fromhex("0018 021e 0000 0000")),  # the 30th of February
        ("ymdhms3", bytes(6)),
        ("ymdhms3", bytes([24, 13, 1, 0, 0, 0])),
        ("ymdhms6", bytes.fromhex("0101 0001 0001 0000 0000 0000")),  # the year 257
        ("ymdhms6", b"\xff" * 12),
    ],
)
def test_a_clock_that_was_never_set_is_not_valid(kind: str, data: bytes) -> None:
    assert decode(kind, data) == NOT_VALID


def test_bits_are_shown_one_by_one() -> None:
    assert decode("bitstring", b"\x80\x01", length=1) == "1000000000000001"
    assert decode("bitstring", b"\x01\x80", length=1, order="BA") == "1000000000000001"
    assert decode("bitstring", b"\x00\x00\xff\x00", length=2) == "0" * 16 + "1" * 8 + "0" * 8


@pytest.mark.parametrize(
    ("kind", "more", "value"),
    [
        ("bitstring", {"length": 1}, "101"),
        ("bitstring", {"length": 1}, "2" * 16),
        ("ip4", {}, "192.168.1"),
        ("ip6", {}, "192.168.1.1"),
        ("eui48", {}, "00:1a:2b"),
        ("unix32", {}, "2110-01-01T00:00:00"),
        ("unix32", {}, "2024-01-01T00:00:00+07:00"),
        ("iec870", {}, "1999-01-01T00:00:00"),
        ("ymdhms3", {}, "2100-01-01T00:00:00"),
        ("ymdhms6", {}, "yesterday"),
        ("dec", {"length": 2}, 12345.0),
        ("sunssf", {}, 11),
    ],
)
def test_what_the_type_cannot_write_is_refused(kind: str, more: Any, value: Any) -> None:  # noqa: ANN401 - a channel's keys
    with pytest.raises(NotEncodable, match="channel 'c' cannot say"):
        encode(channel(kind, **more), value)
