"""`edge-agent scan`: which devices are on a bus, at which speed, and of which model."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from device_profiles import loader
from device_profiles.model import ModbusProfile
from device_profiles.registers import Parity
from edge_agent.bus.failures import BusDown
from edge_agent.bus.settings import PortBus
from edge_agent.cli import found as spelled
from edge_agent.cli.down import down
from edge_agent.cli.options import Config, Json, Language, echo_json, fail
from edge_agent.cli.progress import Bar, spoken_time
from edge_agent.cli.target import find_bus, modbus_only, optional_config
from edge_agent.exits import Exit
from edge_agent.ports.naming import stable_name
from edge_agent.scan.proposal import configuration
from edge_agent.scan.scanner import Found, Garbled, Progress, scan
from edge_agent.scan.scope import ALL_UNITS, Scope, plan
from edge_agent.scan.signature import signature
from edge_agent.scan.sweep import seconds
from telemetry.language import Phrase
from telemetry.layout import folded
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_agent.bus.settings import ModbusBus
    from edge_agent.config import AgentConfig
    from edge_agent.scan.sweep import Probe
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent scan /dev/ttyUSB0                  # factory settings first
  edge-agent scan /dev/ttyUSB0 --baud 9600 --parity E --units 1-10,43
  edge-agent scan rs485                         # a bus of the configuration
  edge-agent scan 192.0.2.10                    # Modbus TCP, port 502
  edge-agent scan /dev/ttyUSB0 --all            # every speed and unit: long
  edge-agent scan rs485 --json | jq '.devices[].candidates[0].profile'

It only reads (functions 1 to 4, and 43/14), and never addresses all devices at once.
Any answer proves a device, also a refusal. Ctrl-C shows what was found so far.
A serial port belongs to one process: stop the running agent first.
Exits with 1 when nothing was found, or it was stopped before its end.
"""

BEGIN = Phrase(
    en="scanning {place}: {paces}{units}; {time} if nobody answers; reads only",
    vi="quét {place}: {paces}{units}; {time} nếu không ai trả lời; chỉ đọc",
)
PACES = Phrase(en="{n} line settings, ", vi="{n} kiểu đường truyền, ")
UNITS = Phrase(en="{n} units", vi="{n} địa chỉ")
UNIT = Phrase(en="unit {unit}", vi="địa chỉ {unit}")
NETWORK = Phrase(en="network", vi="mạng")
NOTHING = Phrase(
    en="nothing found. Check A and B (swap them), the supply and the unit; then try --all",
    vi="không tìm thấy gì. Kiểm tra dây A và B (đảo lại), nguồn và địa chỉ; rồi thử --all",
)
NOTHING_THERE = Phrase(
    en="something listens there, and no unit answers. A gateway: check the line behind it, its "
    "speed and parity; then try --all",
    vi="có cổng kết nối nhưng không địa chỉ nào trả lời. Nếu là gateway: kiểm tra đường dây phía "
    "sau, tốc độ và parity của nó; rồi thử --all",
)
STOPPED = Phrase(
    en="stopped before the end; what was found so far:",
    vi="đã dừng trước khi xong; kết quả đến lúc này:",
)
TOTAL = Phrase(en="devices: {n}, in {time}", vi="{n} thiết bị trong {time}")
NO_UNITS = Phrase(
    en="--units: {part!r} is neither a unit nor a range such as 1-10",
    vi="--units: {part!r} không phải địa chỉ hay dải địa chỉ như 1-10",
)
WRONG_UNITS = Phrase(
    en="--units: {text!r} should be units from 1 to 247; 0 would address every device",
    vi="--units: {text!r} phải là địa chỉ từ 1 đến 247; 0 là gọi mọi thiết bị",
)
KNOWN = Phrase(en="all of them are in agent.yaml", vi="tất cả đã có trong agent.yaml")
PASTE = Phrase(en="for agent.yaml:", vi="cho agent.yaml:")

Bauds = Annotated[
    list[int] | None,
    typer.Option("--baud", min=50, help="Only this speed; may be given more than once."),
]
Parities = Annotated[
    list[Parity] | None,
    typer.Option("--parity", case_sensitive=False, help="Only this parity; likewise."),
]
Units = Annotated[str, typer.Option("--units", help="Only these, such as 1-10,43; otherwise 1-32.")]
Every = Annotated[
    bool, typer.Option("--all", help="Units 1-247, at every setting that the catalogue knows.")
]


@dataclass(slots=True)
class _Result:
    """What was found so far."""

    found: list[Found] = field(default_factory=list)
    garbled: list[Garbled] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = False


def scan_bus(  # noqa: PLR0913 - a command's options
    bus: Annotated[str, typer.Argument(help="A port, host[:port], or a bus of the configuration.")],
    config: Config = None,
    *,
    baud: Bauds = None,
    parity: Parities = None,
    units: Units = "",
    every: Every = False,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Find the devices on a bus and name their models. It only reads."""
    loaded = optional_config(config, lang)
    target = modbus_only(find_bus(bus, loaded, lang), lang)
    profiles = modbus_profiles(loaded)
    scope = Scope(
        bauds=tuple(baud or ()),
        parities=tuple(parity or ()),
        units=_units(units, lang),
        every=every,
    )
    probes = plan(target, scope, profiles)
    if not as_json:
        typer.echo(folded(_begin(target, probes, lang)), err=True)
    result = _scanned(target, probes, profiles, lang, quiet=as_json)
    yaml = _configuration(target, result.found, loaded)
    if as_json:
        echo_json(_document(target, result, yaml))
    else:
        _tell(target, result, yaml, lang)
    if not result.complete or not result.found:
        raise typer.Exit(Exit.NOT_WORKING)


def modbus_profiles(config: AgentConfig | None) -> list[ModbusProfile]:
    """Those of the site and of the catalogue; exit when one is wrong."""
    own = None if config is None else config.profiles_dir
    paths = loader.catalogue() | ({} if own is None else loader.catalogue(own))
    try:
        profiles = [loader.load(path) for path in paths.values()]
    except SettingsError as error:
        fail(*error.problems)
    return [profile for profile in profiles if isinstance(profile, ModbusProfile)]


def _scanned(
    bus: ModbusBus,
    probes: Sequence[Probe],
    profiles: Iterable[ModbusProfile],
    lang: Lang,
    *,
    quiet: bool,
) -> _Result:
    """Everything that is found until the end or Ctrl-C; exit when the bus is down."""
    result = _Result()
    bar = Bar(sys.stderr, lang)

    async def work() -> None:
        signatures = [signature(profile) for profile in profiles]
        async for event in scan(bus, probes, signatures):
            match event:
                case Progress():
                    result.seconds = event.done
                    pace = NETWORK(lang) if event.probe.pace is None else str(event.probe.pace)
                    unit = UNIT(lang, unit=event.probe.unit)
                    if not quiet:
                        bar.show(event.done, event.left, pace, unit)
                case Found():
                    result.found.append(event)
                    bar.clear()
                    if not quiet:
                        typer.echo(spelled.device(event, lang))
                case Garbled():
                    result.garbled.append(event)
        result.complete = True

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        bar.clear()
    except BusDown as reason:
        bar.clear()
        fail(down(bus, reason, lang), code=Exit.NOT_WORKING)
    bar.clear()
    return result


def _begin(bus: ModbusBus, probes: Sequence[Probe], lang: Lang) -> str:
    paces = {probe.pace for probe in probes}
    return BEGIN(
        lang,
        place=bus.port if isinstance(bus, PortBus) else bus.place,
        paces="" if None in paces else PACES(lang, n=len(paces)),
        units=UNITS(lang, n=len({probe.unit for probe in probes})),
        time=spoken_time(seconds(probes), lang),
    )


def _tell(bus: ModbusBus, result: _Result, yaml: str, lang: Lang) -> None:
    for each in result.garbled:
        typer.echo(spelled.garbled(each, lang))
    if not result.complete:
        typer.echo(STOPPED(lang))
    if not result.found:
        typer.echo(folded((NOTHING if isinstance(bus, PortBus) else NOTHING_THERE)(lang)))
        return
    typer.echo(TOTAL(lang, n=len(result.found), time=spoken_time(result.seconds, lang)))
    typer.echo(f"\n# {PASTE(lang)}\n{yaml}" if yaml else f"{KNOWN(lang)}\n", nl=False)


def _configuration(bus: ModbusBus, found: Sequence[Found], config: AgentConfig | None) -> str:
    return configuration(
        bus,
        [each for each in found if not _is_known(bus, each, config)],
        port=stable_name(bus.port) if isinstance(bus, PortBus) else None,
        is_configured=config is not None and any(each.id == bus.id for each in config.buses),
        taken=() if config is None else [device.id for device in config.devices],
    )


def _is_known(bus: ModbusBus, found: Found, config: AgentConfig | None) -> bool:
    """Whether a device of that address and speed is in the configuration."""
    if isinstance(bus, PortBus) and str(found.pace) != bus.pace:
        return False
    devices = () if config is None else config.devices
    return any((device.bus, device.unit) == (bus.id, found.unit) for device in devices)


def _document(bus: ModbusBus, result: _Result, yaml: str) -> dict[str, Any]:
    return {
        "bus": bus.place,
        "complete": result.complete,
        "seconds": round(result.seconds, 1),
        "devices": [spelled.document(each) for each in result.found],
        "garbled": [spelled.where(each.probe) for each in result.garbled],
        "configuration": yaml,
    }


def _units(text: str, lang: Lang) -> tuple[int, ...]:
    """`1-10,43` as units; exit when it is something else."""
    units: list[int] = []
    for part in filter(None, text.split(",")):
        first, dash, last = part.strip().partition("-")
        if not (first.isdigit() and (not dash or last.isdigit())):
            fail(NO_UNITS(lang, part=part))
        units += range(int(first), int(last or first) + 1)
    wrong = [unit for unit in units if unit not in (*ALL_UNITS, 255)]
    if wrong or (text and not units):
        fail(WRONG_UNITS(lang, text=text))
    return tuple(dict.fromkeys(units))
