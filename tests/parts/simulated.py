"""A simulated device with something in each of the four tables, for the tests of buses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from device_profiles.model import ModbusProfile
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.scenario import Faults
from edge_agent.simulate.signal import Constant
from edge_agent.simulate.slave import Identity
from edge_agent.simulate.unit import Unit
from telemetry import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROFILE = """
schema: device-profile/1
id: four-tables
revision: 1
title: Something in every table
class: test
measurement: test
sources: [{own: made for tests}]
groups: {all: {interval: 1s}}
defaults: {group: all}
limits: {ranges: {holding: [[100, 224]], discrete: [[0, 1999]]}}
channels:
  - {id: coil, table: coil, address: 3, type: bool}
  - {id: discrete, table: discrete, address: 1998, type: bool}
  - {id: level, table: holding, address: 100, type: u16, scale: 0.1}
  - {id: flow, table: input, address: 65534, type: i32, scale: 0.01}
examples:
  - {table: holding, address: 100, hex: "0001", values: {level: 0.1}, source: computed}
"""
VALUES = {"coil": True, "discrete": True, "level": 12.3, "flow": -100.59}
HOLDING = [123, *[0] * 124]
INPUT = [0xFFFF, 0xD8B5]
DISCRETE = [0] * 1998 + [1, 0]


def four_tables() -> ModbusProfile:
    """The profile above."""
    return settings.parse(PROFILE, ModbusProfile, "four-tables.yaml")


def unit(faults: Faults | None = None, **values: float) -> Unit:
    """A device that says `VALUES`, but for those given."""
    said = {name: Constant(value) for name, value in (VALUES | values).items()}
    faults = faults or Faults()
    identity = Identity("Acme", "Four tables", "1.0")
    return Unit(Replay(four_tables(), said, illegal=faults.illegal), faults, identity)


def running_clock() -> Callable[[], float]:
    """Seconds since now, of the running loop's clock."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    return lambda: loop.time() - begun


async def run_client(program: Path, *arguments: str | int) -> str:
    """What a client prints: the words that it read, or why it could not."""
    process = await asyncio.create_subprocess_exec(
        program, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()
