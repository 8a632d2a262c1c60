"""Profiles of the catalogue, of the kind that a test needs."""

from __future__ import annotations

from device_profiles.loader import find
from device_profiles.model import ModbusProfile


def modbus(name: str) -> ModbusProfile:
    """The Modbus profile of that id."""
    profile = find(name)
    assert isinstance(profile, ModbusProfile)
    return profile
