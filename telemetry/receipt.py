"""Receipts: the collector's word, envelope by envelope, on what became of them.

    {"v":1,"stream":"9f86d081884c7d65","receipts":[[17,3421780262,"stored"],
                                                  [18,2212294583,"refused","version 7 is not 1"]]}

The checksum is the CRC-32 of the payload as it was sent. Receipts are not cumulative: no gap can
stall the rest. Silence means: keep it, and send it again.
"""

from __future__ import annotations

import reprlib
import zlib
from dataclasses import dataclass
from enum import StrEnum

from telemetry import codec
from telemetry.topics import SEQ_MAX, STREAM

VERSION = 1
CRC_MAX = 2**32 - 1
REASON_MAX = 200


class Outcome(StrEnum):
    """What the collector did with an envelope, and so what its agent may do."""

    STORED = "stored"
    """Watched, journalled and in the store: the agent deletes it."""
    SEEN = "seen"
    """Watched and journalled, not stored yet: the window is freed, nothing is deleted."""
    REFUSED = "refused"
    """Unreadable: the agent keeps it aside, bounded, with the reason."""


class MalformedReceipt(ValueError):
    """The payload is not a message of receipts of this version."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome for one envelope, known by its stream, number and checksum."""

    stream: str
    seq: int
    crc: int
    outcome: Outcome
    reason: str = ""


def checksum(payload: bytes) -> int:
    """The CRC-32 by which a receipt names a payload."""
    return zlib.crc32(payload)


def pack(stream: str, receipts: list[Receipt]) -> bytes:
    """The message for receipts of one stream.

    Raises:
        ValueError: if a receipt is of another stream.
    """
    if any(receipt.stream != stream for receipt in receipts):
        raise ValueError("receipts of several streams in one message")
    entries = [
        [receipt.seq, receipt.crc, receipt.outcome.value, receipt.reason[:REASON_MAX]]
        if receipt.reason
        else [receipt.seq, receipt.crc, receipt.outcome.value]
        for receipt in receipts
    ]
    return codec.encode({"v": VERSION, "stream": stream, "receipts": entries})


def unpack(payload: bytes) -> list[Receipt]:
    """The receipts in `payload`.

    Raises:
        MalformedReceipt: if it is no such message, whatever the bytes are.
    """
    try:
        document = codec.decode(payload)
    except codec.NotJson as error:
        raise MalformedReceipt(f"not JSON: {error}") from error
    match document:
        case {"v": 1, "stream": str(stream), "receipts": list(entries)} if (
            STREAM.fullmatch(stream) and document["v"] is not True
        ):
            return [_unpack_one(stream, entry) for entry in entries]
        case _:
            raise MalformedReceipt("not a message of receipts of version 1")


def _unpack_one(stream: str, entry: object) -> Receipt:
    match entry:
        case [int(seq), int(crc), str(outcome), *rest] if (
            0 < seq <= SEQ_MAX and 0 <= crc <= CRC_MAX and outcome in set(Outcome)
        ):
            reason = rest[0] if rest and isinstance(rest[0], str) else ""
            return Receipt(stream, seq, crc, Outcome(outcome), reason[:REASON_MAX])
        case _:
            raise MalformedReceipt(f"receipt {reprlib.repr(entry)}")
