"""Promise: an agent learns what became of each envelope; nothing else passes for a receipt."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import receipt
from telemetry.receipt import CRC_MAX, REASON_MAX, MalformedReceipt, Outcome, Receipt
from telemetry.topics import SEQ_MAX

STREAM = "9f86d081884c7d65"

receipts = st.builds(
    Receipt,
    st.just(STREAM),
    st.integers(1, SEQ_MAX),
    st.integers(0, CRC_MAX),
    st.sampled_from(Outcome),
    st.one_of(st.text(max_size=20), st.just("không đọc được")),
)


@given(st.lists(receipts, max_size=5))
def test_what_is_packed_unpacks_to_itself(sent: list[Receipt]) -> None:
    assert receipt.unpack(receipt.pack(STREAM, sent)) == sent


def test_a_long_reason_is_cut() -> None:
    long = Receipt(STREAM, 1, 2, Outcome.REFUSED, "x" * 1000)

    [received] = receipt.unpack(receipt.pack(STREAM, [long]))

    assert received.reason == "x" * REASON_MAX


def test_a_long_reason_of_another_program_is_cut_too() -> None:
    payload = {"v": 1, "stream": STREAM, "receipts": [[1, 2, "refused", "x" * 1000]]}

    [received] = receipt.unpack(json.dumps(payload).encode())

    assert received.reason == "x" * REASON_MAX


def test_receipts_of_two_streams_are_two_messages() -> None:
    stranger = Receipt("0" * 16, 1, 2, Outcome.STORED)

    with pytest.raises(ValueError, match="several streams"):
        receipt.pack(STREAM, [stranger])


@given(st.binary(max_size=100))
def test_the_checksum_is_the_crc_32_of_the_payload(payload: bytes) -> None:
    assert receipt.checksum(payload) == zlib.crc32(payload)
    assert 0 <= receipt.checksum(payload) <= CRC_MAX


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReceipt):
        receipt.unpack(payload)


@given(st.lists(receipts, min_size=1, max_size=3), st.data())
def test_a_cut_message_is_malformed(sent: list[Receipt], data: st.DataObject) -> None:
    payload = receipt.pack(STREAM, sent)

    with pytest.raises(MalformedReceipt):
        receipt.unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


@pytest.mark.parametrize(
    "entry",
    [
        [0, 1, "stored"],
        [-1, 1, "stored"],
        [2**63, 1, "stored"],
        [1, -1, "stored"],
        [1, 2**32, "stored"],
        [1, 1, "lost"],
        [1, 1],
        [1.0, 1, "stored"],
        ["1", 1, "stored"],
        {"seq": 1},
        None,
    ],
)
def test_one_wrong_receipt_makes_the_message_malformed(entry: object) -> None:
    payload = {"v": 1, "stream": STREAM, "receipts": [[1, 1, "stored"], entry]}

    with pytest.raises(MalformedReceipt, match="receipt"):
        receipt.unpack(json.dumps(payload).encode())


@pytest.mark.parametrize(
    "changes",
    [{"v": 2}, {"v": True}, {"stream": "x"}, {"stream": STREAM.upper()}, {"receipts": {}}],
)
def test_a_message_of_another_kind_is_malformed(changes: dict[str, object]) -> None:
    payload = {"v": 1, "stream": STREAM, "receipts": []} | changes

    with pytest.raises(MalformedReceipt, match="version 1"):
        receipt.unpack(json.dumps(payload).encode())


@pytest.mark.parametrize("depth", [900, 980, 100_000])
def test_deep_nesting_is_malformed_in_few_words(depth: int) -> None:
    payload = b'{"v":1,"stream":"%s","receipts":[%s]}' % (
        STREAM.encode(),
        b"[" * depth + b"]" * depth,
    )

    with pytest.raises(MalformedReceipt) as refused:
        receipt.unpack(payload)

    assert len(str(refused.value)) < 200
