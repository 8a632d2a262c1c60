"""Promise: bytes that other programs once sent keep their meaning; records are added, not edited.

A record is JSON: the packet's header fields and payload (bytes as `{"hex": …}`, integer keys as
text), `packet` and COBS `frame` in hex, `console` the frame of Zephyr's console transport where
that was recorded, and `canonical`: whether our own bytes for the same message are the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from smp import header as smp_header
from smp import packet as smp_packet

from firmware_bridge.framing import frame
from firmware_bridge.message import HEADER_BYTES, pack, unpack

GOLDEN = sorted(Path(__file__).parent.parent.glob("wire/smp/*.json"))

FIELDS = ("op", "version", "flags", "group", "sequence", "command")

every_record = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    """The record in a file."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def spelt(value: object) -> object:
    """A payload as the records spell it."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case dict():
            return {str(key): spelt(part) for key, part in value.items()}
        case list():
            return [spelt(part) for part in value]
        case _:
            return value


def from_console(line: bytes) -> bytes:
    """The packet in one line of Zephyr's console transport, by the smp package."""
    decoder = smp_packet.decode()
    next(decoder)
    with pytest.raises(StopIteration) as whole:
        decoder.send(line)
    return bytes(whole.value.value)


def test_there_are_records_of_real_devices() -> None:
    assert sum(path.name.startswith("zephyr-") for path in GOLDEN) >= 8


@every_record
def test_a_record_reads_as_described(path: Path) -> None:
    record = read(path)

    message = unpack(bytes.fromhex(record["packet"]))

    assert {name: getattr(message, name) for name in FIELDS} == {
        name: record[name] for name in FIELDS
    }
    assert spelt(dict(message.payload)) == record["payload"]


@every_record
def test_a_record_is_written_as_it_was(path: Path) -> None:
    record = read(path)
    message = unpack(bytes.fromhex(record["packet"]))

    packed = pack(message)

    assert (packed.hex() == record["packet"]) is record["canonical"]
    assert unpack(packed) == message


@every_record
def test_the_smp_package_reads_the_same_header(path: Path) -> None:
    record = read(path)

    header = smp_header.Header.loads(bytes.fromhex(record["packet"])[:HEADER_BYTES])

    assert (header.op, header.version, header.flags, header.group_id) == tuple(
        record[name] for name in ("op", "version", "flags", "group")
    )
    assert (header.sequence, header.command_id) == (record["sequence"], record["command"])


@pytest.mark.parametrize(
    "path", [p for p in GOLDEN if "console" in read(p)], ids=lambda path: path.stem
)
def test_a_console_frame_carries_the_packet_that_our_frame_carries(path: Path) -> None:
    record = read(path)

    packet = from_console(bytes.fromhex(record["console"]))

    assert packet.hex() == record["packet"]
    assert frame(packet).hex() == record["frame"]
