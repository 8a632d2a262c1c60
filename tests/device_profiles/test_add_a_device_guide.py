"""Promise: the profile that the guide writes step by step is one that loads and proves itself."""

from __future__ import annotations

import re
from pathlib import Path

from crccheck.crc import CrcModbus  # type: ignore[import-untyped]

from device_profiles.model import ModbusProfile
from edge_agent.examples import mismatches
from telemetry import settings

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-device.md"


def test_the_guides_profile_is_a_profile() -> None:
    what, channels, _, examples = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)

    profile = settings.parse(what + channels + examples, ModbusProfile, "acme-em3.yaml")

    assert mismatches(profile) == []


def test_the_guide_shows_a_reply_with_a_good_checksum() -> None:
    (reply,) = re.findall(r"Of the reply `([0-9a-f ]+)`", GUIDE.read_text())

    frame = bytes.fromhex(reply)

    assert CrcModbus.calc(frame[:-2]) == int.from_bytes(frame[-2:], "little")
