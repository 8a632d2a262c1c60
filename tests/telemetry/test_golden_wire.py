"""Promise: bytes that were once sent keep their meaning for ever; records are added, not edited.

Each `tests/wire/v1/<name>.bin` is a payload, and `<name>.json` says what it is (`kind`) and means
(`value`). `packs` tells whether packing that value gives these very bytes (after inflating, for
zlib's versions differ in how well they deflate; with msgspec, which spells exponents its own way).
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from telemetry import announce, envelope, receipt
from telemetry.sample import Flag, Sample

FOLDER = Path(__file__).parent.parent / "wire" / "v1"
GOLDEN = sorted(FOLDER.glob("*.bin"))

every_record = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)


def unpack(kind: str, payload: bytes) -> object:
    """What a payload of that kind means."""
    match kind:
        case "envelope":
            return envelope.unpack(payload)
        case "receipts":
            return receipt.unpack(payload)
        case "status":
            return announce.unpack_status(payload)
        case "presence":
            return announce.unpack_presence(payload)
        case _:
            assert kind == "about"
            return announce.unpack_about(payload)


def pack(value: object) -> bytes:
    """The bytes of a value, not deflated."""
    match value:
        case envelope.Envelope():
            return envelope.pack(value, deflate=False)
        case list():
            return receipt.pack(value[0].stream, value)
        case announce.Status():
            return announce.pack_status(value)
        case announce.Presence():
            return announce.pack_presence(value)
        case _:
            assert isinstance(value, announce.About)
            return announce.pack_about(value)


def spelt(value: object) -> Any:  # noqa: ANN401 - a JSON document can be anything
    """A value as the records spell it: plain JSON, every field by its name, flags as text."""
    match value:
        case Flag():
            return str(value)
        case Sample():
            return {
                "device": value.device,
                "at": value.at,
                "values": dict(value.values),
                "flags": spelt(dict(value.flags)),
            }
        case dict():
            return {key: spelt(part) for key, part in value.items()}
        case list() | tuple():
            return [spelt(part) for part in value]
        case _ if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return {field.name: spelt(getattr(value, field.name)) for field in fields}
        case _:
            return value


def exactly(document: object) -> str:
    """JSON text in which `1`, `1.0` and `true` differ, as they do not when compared."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def test_every_kind_of_message_has_a_record() -> None:
    kinds = {json.loads(path.with_suffix(".json").read_text("utf-8"))["kind"] for path in GOLDEN}

    assert kinds == {"envelope", "receipts", "status", "presence", "about"}
    assert {path.stem for path in FOLDER.iterdir()} == {path.stem for path in GOLDEN}


@every_record
def test_a_record_means_what_it_meant(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    value = unpack(record["kind"], path.read_bytes())

    assert exactly(spelt(value)) == exactly(record["value"])


@every_record
def test_a_record_s_value_is_packed_as_it_was(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    payload = path.read_bytes()
    value = unpack(record["kind"], payload)

    packed = pack(value)

    plain = payload if payload[:1] == b"{" else zlib.decompress(payload)
    assert (packed == plain) is record["packs"]
    assert unpack(record["kind"], packed) == value
