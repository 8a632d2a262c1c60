"""`edge-agent simulate`: serve a scenario's buses until told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.simulate.line import serve_line
from edge_agent.simulate.rtu import serve_rtu
from edge_agent.simulate.scenario import RtuBus, SerialBus, TcpBus
from edge_agent.simulate.stage import StagedLine, load
from edge_agent.simulate.tcp import BusUnavailable, serve_tcp
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from edge_agent.simulate.stage import Staged

NO_BUS, BAD_SCENARIO = 1, 2
"""Exit codes: a port or link cannot be had; the file is wrong."""

EXAMPLES = """\b
Examples:
  edge-agent simulate demo/three-devices.yaml    # to set a gateway up with
  edge-agent simulate demo/scenario.yaml         # recordings, loads, faults

The file says which devices stand on which TCP port or pseudo serial port, and what they replay.
"""


def simulate(
    scenario: Annotated[Path, typer.Argument(help="The simulation's YAML file.")],
) -> None:
    """Simulate devices on TCP ports and serial lines, from recordings.

    Prints a line for each bus once it answers, and runs until it is told to stop.
    """
    try:
        asyncio.run(_perform(load(scenario)))
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_SCENARIO) from error
    except BusUnavailable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NO_BUS) from error


async def _perform(stage: Sequence[Staged]) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with AsyncExitStack() as buses:
        for staged in stage:
            place = await buses.enter_async_context(_serve(staged, lambda: loop.time() - begun))
            typer.echo(_ready(staged, place))
        await stop.wait()


def _serve(staged: Staged, clock: Callable[[], float]) -> AbstractAsyncContextManager[str]:
    if isinstance(staged, StagedLine):
        return serve_line(staged.bus, staged.speakers, clock)
    match staged.bus:
        case TcpBus() as bus:
            return serve_tcp(bus, staged.units, clock)
        case RtuBus() as bus:
            return serve_rtu(bus, staged.units, clock)


def _ready(staged: Staged, place: str) -> str:
    bus = staged.bus
    if isinstance(bus, SerialBus):
        devices = "devices: " + ", ".join(device.id for device in bus.devices)
    else:
        devices = "units: " + ", ".join(f"{device.id} {device.unit}" for device in bus.devices)
    return f"bus {bus.id}: {bus.kind} {place}, {devices}"
