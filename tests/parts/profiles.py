"""Profiles of the catalogue, of the kind that a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles.loader import find
from device_profiles.model import ModbusProfile
from edge_agent import examples
from telemetry.settings import spell

if TYPE_CHECKING:
    from device_profiles.model import AnyProfile


def modbus(name: str) -> ModbusProfile:
    """The Modbus profile of that id."""
    profile = find(name)
    assert isinstance(profile, ModbusProfile)
    return profile


def mismatches(profile: AnyProfile) -> list[str]:
    """What its examples say and its channels do not, a line each."""
    return [f"{spell(place)}: {problem}" for place, problem in examples.problems(profile)]
