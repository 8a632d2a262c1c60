"""Promise: what comes out of the line is what went in, or is named as damaged; never a guess."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cobs import cobs  # type: ignore[import-untyped] # it has no type hints
from crccheck.crc import CrcXmodem  # type: ignore[import-untyped] # it has no type hints
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing import (
    MAX_ENCODED,
    MAX_PACKET,
    Damage,
    Damaged,
    Deframer,
    PacketSize,
    frame,
)

GOLDEN = sorted(Path(__file__).parent.parent.glob("wire/smp/*.json"))

packets = st.binary(min_size=1, max_size=600)


def independently_framed(packet: bytes) -> bytes:
    """A frame with crccheck's checksum, another implementation than ours."""
    checksum = CrcXmodem.calcbytes(packet, byteorder="big")
    return bytes(cobs.encode(packet + bytes(checksum))) + b"\0"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_frames_of_another_implementation_open_to_their_packets(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))

    found = Deframer().feed(bytes.fromhex(record["frame"]))

    assert found == [bytes.fromhex(record["packet"])]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_our_frames_are_the_bytes_of_another_implementation(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))

    assert frame(bytes.fromhex(record["packet"])).hex() == record["frame"]


@given(packets)
def test_the_checksum_is_the_independent_one(packet: bytes) -> None:
    assert frame(packet) == independently_framed(packet)


@given(st.lists(packets, max_size=5))
def test_what_is_framed_comes_back_in_order(sent: list[bytes]) -> None:
    found = Deframer().feed(b"".join(frame(packet) for packet in sent))

    assert found == sent


@given(st.binary(max_size=300), packets)
def test_a_good_frame_after_garbage_and_a_zero_is_found(garbage: bytes, packet: bytes) -> None:
    found = Deframer().feed(garbage + b"\0" + frame(packet))

    assert found[-1] == packet


@given(st.lists(st.one_of(packets.map(frame), st.binary(max_size=80))), st.data())
def test_chunks_do_not_matter(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    at_once, bytewise, cut = Deframer(), Deframer(), Deframer()

    expected = at_once.feed(stream)

    assert [found for byte in stream for found in bytewise.feed(bytes([byte]))] == expected
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [found for chunk in chunks for found in cut.feed(chunk)] == expected
    assert at_once.damaged == bytewise.damaged == cut.damaged


@given(st.binary(max_size=2000))
def test_arbitrary_bytes_give_only_packets_whose_checksum_holds(stream: bytes) -> None:
    deframer = Deframer()

    found = deframer.feed(stream)

    for one in found:
        if isinstance(one, bytes):
            assert independently_framed(one).rstrip(b"\x01\0") in stream
    assert deframer.damaged == sum(isinstance(one, Damaged) for one in found)


@given(st.binary(min_size=1, max_size=MAX_PACKET), st.data())
def test_up_to_three_flipped_bits_never_pass(packet: bytes, data: st.DataObject) -> None:
    body = bytearray(packet + bytes(CrcXmodem.calcbytes(packet, byteorder="big")))
    bits = data.draw(st.sets(st.integers(0, len(body) * 8 - 1), min_size=1, max_size=3))
    for bit in bits:
        body[bit // 8] ^= 1 << bit % 8

    [found] = Deframer().feed(bytes(cobs.encode(bytes(body))) + b"\0")

    assert isinstance(found, Damaged)
    assert found.damage is Damage.CHECKSUM


def test_the_polynomial_repeats_only_after_the_largest_packet() -> None:
    remainder, steps = 2, 1
    while remainder != 1:
        remainder <<= 1
        remainder ^= 0x11021 if remainder >> 16 else 0
        steps += 1

    assert steps == 32_767
    assert steps >= (MAX_PACKET + 2) * 8


@pytest.mark.parametrize(
    ("between", "damage"),
    [
        (b"\x05\x01\x02", Damage.ENCODING),
        (cobs.encode(b"hello\x00\x00"), Damage.CHECKSUM),
        (cobs.encode(b"\x00\x00"), Damage.TOO_SHORT),
        (cobs.encode(b"x"), Damage.TOO_SHORT),
        (b"\x01" * (MAX_ENCODED + 1), Damage.TOO_LONG),
    ],
)
def test_damage_is_named_and_counted(between: bytes, damage: Damage) -> None:
    deframer = Deframer()

    found = deframer.feed(between + b"\0")

    assert found == [Damaged(damage, len(between))]
    assert deframer.damaged == 1


def test_zeros_between_frames_are_nothing() -> None:
    deframer = Deframer()

    assert deframer.feed(b"\0\0" + frame(b"a") + b"\0\0") == [b"a"]
    assert deframer.damaged == 0


@pytest.mark.parametrize("packet", [bytes(MAX_PACKET), b"\xff" * MAX_PACKET])
def test_the_largest_packet_passes(packet: bytes) -> None:
    framed = frame(packet)

    assert len(framed) <= MAX_ENCODED + 1
    assert Deframer().feed(framed) == [packet]


def test_a_full_last_block_may_be_closed_either_way() -> None:
    packet = b"\xaa" * 252
    body = packet + bytes(CrcXmodem.calcbytes(packet, byteorder="big"))
    assert b"\0" not in body

    assert Deframer().feed(b"\xff" + body + b"\0") == [packet]
    assert Deframer().feed(b"\xff" + body + b"\x01\0") == [packet]


@pytest.mark.parametrize("size", [0, MAX_PACKET + 1])
def test_no_frame_is_made_of_nothing_or_of_too_much(size: int) -> None:
    with pytest.raises(PacketSize, match=f"{size} bytes"):
        frame(bytes(size))


def test_a_line_without_zeros_takes_no_memory() -> None:
    deframer = Deframer()

    for _ in range(1000):
        assert deframer.feed(b"U" * 1000) == []
        assert len(deframer._pending) <= MAX_ENCODED

    assert deframer.feed(b"\0" + frame(b"ok")) == [Damaged(Damage.TOO_LONG, 1_000_000), b"ok"]
