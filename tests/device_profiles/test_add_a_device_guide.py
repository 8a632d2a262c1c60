"""Promise: the profiles that the guide writes step by step load and prove themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from crccheck.crc import CrcModbus  # type: ignore[import-untyped]

from device_profiles import loader
from device_profiles.channel import AnyChannel
from device_profiles.model import FieldProfile, FieldProtocol, ModbusProfile
from device_profiles.registers import Type
from parts.profiles import mismatches
from telemetry import settings

if TYPE_CHECKING:
    from device_profiles.model import AnyProfile

GUIDE = (Path(__file__).parents[2] / "docs" / "add-a-device.md").read_text(encoding="utf-8")


def merged(document: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The document with a block of the guide put in: lists go on, all else is replaced."""
    lists = {
        key: document[key] + part
        for key, part in more.items()
        if isinstance(document.get(key), list)
    }
    return {**document, **more, **lists}


def written() -> list[AnyProfile]:
    """The guide's profiles, after each block from which on they are whole."""
    document: dict[str, Any] = {}
    whole = []
    for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL):
        block, _ = settings.read_yaml(text, "the guide")
        document = block if "schema" in block else merged(document, block)
        if "examples" in document:
            whole.append(loader.parse(yaml.safe_dump(document), "the-guide.yaml"))
    return whole


def test_the_guides_profiles_are_right() -> None:
    modbus, fields = written()

    assert isinstance(modbus, ModbusProfile)
    assert isinstance(fields, FieldProfile)
    assert mismatches(modbus) == []
    assert mismatches(fields) == []


def test_the_guide_shows_a_reply_with_a_good_checksum() -> None:
    (reply,) = re.findall(r"Of the reply `([0-9a-f ]+)`", GUIDE)

    frame = bytes.fromhex(reply)

    assert CrcModbus.calc(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def first_columns() -> set[str]:
    cells = re.findall(r"^\| ([^|]+) \|", GUIDE, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("kind", Type)
def test_every_type_is_explained(kind: Type) -> None:
    assert kind in first_columns()


@pytest.mark.parametrize("protocol", get_args(FieldProtocol))
def test_every_protocol_is_named(protocol: str) -> None:
    assert protocol in first_columns()


def test_every_key_of_a_channel_is_explained() -> None:
    keys = {name for kind in get_args(AnyChannel) for name in kind.model_fields}
    told_elsewhere = {"id", "address", "label", "field"}

    assert keys - told_elsewhere <= first_columns()
