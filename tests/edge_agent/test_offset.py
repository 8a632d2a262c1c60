"""Promise: a device whose registers begin elsewhere is read there; what cannot be is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.behaviour import Limits
from device_profiles.registers import ADDRESS_MAX, Table
from edge_agent.bus.request import Request
from edge_agent.site import site
from parts.profiles import modbus
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
agent: {{id: gw-1}}
buses:
  - {{id: tcp, transport: modbus-tcp, host: 127.0.0.1}}
devices:
  - {{id: first, bus: tcp, unit: 1, profile: {profile}}}
  - {{id: second, bus: tcp, unit: 2, profile: {profile}, offset: {offset}}}
"""


def reads(tmp_path: Path, profile: str, offset: int) -> list[list[tuple[int, int]]]:
    """Where each of the two devices is read, and how much."""
    path = tmp_path / "agent.yaml"
    path.write_text(CONFIG.format(profile=profile, offset=offset), encoding="utf-8")
    return [
        sorted(
            (request.address, request.count)
            for each in device.rounds
            for request in each.requests
            if isinstance(request, Request)
        )
        for device in site.load(path).devices
    ]


def test_the_second_ups_of_a_card_is_read_10000_registers_further_on(tmp_path: Path) -> None:
    first, second = reads(tmp_path, "huawei-ups2000", 10000)

    assert second == [(address + 10000, count) for address, count in first]


@pytest.mark.parametrize(
    ("profile", "offset", "message"),
    [
        (
            "sunspec-203",
            0,
            r"agent.yaml:5: devices\[0\].offset — where SunSpec model 203 begins .*scan",
        ),
        (
            "huawei-ups2000",
            60000,
            r"agent.yaml:6: devices\[1\].offset — is at most 53530: the last",
        ),
        ("eastron-sdm630", 65536, r"agent.yaml:6: devices\[1\].offset — .*65535"),
        ("eastron-sdm630", -1, r"agent.yaml:6: devices\[1\].offset — "),
        ("plantower-pms5003", 1, r"agent.yaml:6: devices\[1\].offset — .*no registers"),
    ],
)
def test_an_offset_that_cannot_be_is_told_at_its_line(
    tmp_path: Path, profile: str, offset: int, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        reads(tmp_path, profile, offset)


@given(st.integers(0, ADDRESS_MAX + 1 - modbus("pzem-016").end))
def test_all_that_has_an_address_is_moved(offset: int) -> None:
    profile = modbus("pzem-016")

    moved = profile.moved(offset)

    assert [c.address - offset for c in moved.channels] == [c.address for c in profile.channels]
    assert moved.limits.ranges[Table.INPUT] == ((offset, 9 + offset),)
    assert all(moved.limits.bounds(channel) for channel in moved.channels)


def test_a_known_register_is_moved_too() -> None:
    meter = modbus("schneider-pm5100")

    moved = meter.moved(100)

    assert moved.known_register is not None
    assert moved.known_register.address == 189
    assert moved.limits == Limits()
