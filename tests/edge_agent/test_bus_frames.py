"""A Modbus frame is found whole and right among whatever comes; nothing else passes for one."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from crccheck.crc import Crc16Modbus  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus.frames import AsciiFrames, Frame, OutOfStep, RtuFrames, TcpFrames

noise = st.binary(max_size=40)
units = st.integers(1, 247)


def checked(body: bytes) -> bytes:
    """An RTU frame, by another's checksum."""
    return body + struct.pack("<H", Crc16Modbus.calc(body))


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """PDUs that a device answers a read, an identification or a mistake with."""
    match draw(st.integers(0, 3)):
        case 0:
            data = draw(st.binary(min_size=1, max_size=250))
            return bytes([draw(st.sampled_from([1, 2])), len(data)]) + data
        case 1:
            words = draw(st.lists(st.binary(min_size=2, max_size=2), min_size=1, max_size=125))
            return bytes([draw(st.sampled_from([3, 4])), 2 * len(words)]) + b"".join(words)
        case 2:
            return bytes([draw(st.sampled_from([0x81, 0x83, 0xAB])), draw(st.integers(1, 255))])
    texts = draw(st.lists(st.binary(max_size=40), max_size=4))
    objects = [bytes([n, len(text)]) + text for n, text in enumerate(texts)]
    return bytes([0x2B, 0x0E, 1, 1, 0, 0, len(objects)]) + b"".join(objects)


def fed(frames: RtuFrames | AsciiFrames | TcpFrames, data: bytes, cuts: list[int]) -> list[Frame]:
    """What is found in `data` when it comes in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    return [frame for piece in pieces for frame in frames.feed(piece)]


cuts = st.lists(st.integers(0, 400), max_size=8)


@given(noise, units, replies(), noise, cuts)
def test_an_rtu_frame_is_found_among_noise(
    before: bytes, unit: int, pdu: bytes, after: bytes, cuts: list[int]
) -> None:
    found = fed(RtuFrames(), before + checked(bytes([unit]) + pdu) + after, cuts)

    assert Frame(unit, pdu) in found


@given(st.binary(max_size=400), cuts)
def test_no_rtu_frame_comes_of_a_wrong_checksum(data: bytes, cuts: list[int]) -> None:
    for frame in fed(RtuFrames(), data, cuts):
        assert checked(bytes([frame.unit]) + frame.pdu) in data


@given(units, replies(), st.data())
def test_an_rtu_frame_with_a_flipped_bit_is_none(
    unit: int, pdu: bytes, data: st.DataObject
) -> None:
    whole = bytearray(checked(bytes([unit]) + pdu))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8

    assert Frame(unit, pdu) not in RtuFrames().feed(bytes(whole))


@given(st.lists(st.tuples(units, replies()), max_size=4), noise)
def test_what_is_fed_byte_by_byte_is_found_like_what_comes_at_once(
    said: list[tuple[int, bytes]], between: bytes
) -> None:
    data = between.join(checked(bytes([unit]) + pdu) for unit, pdu in said)

    frames = RtuFrames()
    assert [f for n in range(len(data)) for f in frames.feed(data[n : n + 1])] == RtuFrames().feed(
        data
    )


def test_babble_is_not_kept() -> None:
    frames = RtuFrames()

    for _ in range(1000):
        frames.feed(b"\x01\x03\xfa" * 40)

    assert len(frames._bytes) < 600


def test_a_false_beginning_that_waits_for_more_does_not_hide_a_frame_behind_it() -> None:
    good = checked(bytes([1, 3, 2, 7, 7]))

    assert RtuFrames().feed(b"\x01\x03\xfa" + good) == [Frame(1, bytes([3, 2, 7, 7]))]


@given(noise, units, replies(), noise, cuts)
def test_an_ascii_frame_is_found_among_noise(
    before: bytes, unit: int, pdu: bytes, after: bytes, cuts: list[int]
) -> None:
    wrapped = AsciiFrames.wrap(unit, pdu)

    assert Frame(unit, pdu) in fed(AsciiFrames(), before + wrapped + after, cuts)
    assert len(wrapped) == AsciiFrames.size(len(pdu))


@given(st.binary(max_size=400) | st.text(":0123456789ABCDEF\r\n").map(str.encode), cuts)
def test_no_ascii_frame_comes_of_a_wrong_checksum(data: bytes, cuts: list[int]) -> None:
    for frame in fed(AsciiFrames(), data, cuts):
        assert AsciiFrames.wrap(frame.unit, frame.pdu) in data.upper()


def test_an_ascii_frame_in_lower_case_is_one() -> None:
    assert AsciiFrames().feed(b":01030400ab00cd80\r\n") == [Frame(1, bytes.fromhex("030400ab00cd"))]


@given(units, replies(), st.data())
def test_an_ascii_frame_with_a_wrong_digit_is_none(
    unit: int, pdu: bytes, data: st.DataObject
) -> None:
    whole = bytearray(AsciiFrames.wrap(unit, pdu))
    index = data.draw(st.integers(1, len(whole) - 3))
    wrong = data.draw(st.sampled_from(b"0123456789ABCDEFg").filter(lambda x: x != whole[index]))
    whole[index] = wrong

    assert AsciiFrames().feed(bytes(whole)) == []


def test_the_standards_own_ascii_frame_is_ours() -> None:
    """Modbus over Serial Line V1.02 shows no whole frame; this one is widely quoted."""
    assert AsciiFrames.wrap(0x11, bytes.fromhex("03006B0003")) == b":1103006B00037E\r\n"


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), units, replies()), max_size=4), cuts)
def test_tcp_frames_come_out_as_they_went_in(
    said: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(TcpFrames.wrap(unit, pdu, number) for number, unit, pdu in said)

    found = fed(TcpFrames(), data, cuts)

    assert found == [Frame(unit, pdu, number) for number, unit, pdu in said]


@given(st.binary(max_size=300), cuts)
def test_a_tcp_stream_of_anything_is_frames_or_out_of_step(data: bytes, cuts: list[int]) -> None:
    try:
        found = fed(TcpFrames(), data, cuts)
    except OutOfStep:
        return
    assert sum(TcpFrames.size(len(frame.pdu)) for frame in found) <= len(data)


@pytest.mark.parametrize("head", ["0001 0001 0003", "0001 0000 0002", "0001 0000 00ff"])
def test_a_wrong_header_puts_a_tcp_stream_out_of_step(head: str) -> None:
    with pytest.raises(OutOfStep):
        TcpFrames().feed(bytes.fromhex(head) + bytes(3))
