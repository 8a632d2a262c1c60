"""How far a scan goes: which paces and units, with the factory settings of the catalogue first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.bus.settings import PortBus
from edge_agent.scan.pace import Pace, factory, likeliest
from edge_agent.scan.sweep import Probe, probes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from device_profiles.model import ModbusProfile
    from device_profiles.registers import Parity
    from edge_agent.bus.settings import ModbusBus

FIRST_UNITS = tuple(range(1, 33))
"""As many as an RS-485 line may have without repeaters (TIA-485-A: 32 unit loads)."""

ALL_UNITS = tuple(range(1, 248))
"""What a line may have (Modbus over Serial Line V1.02, §2.2)."""

ITSELF = 255
"""The unit by which a network device that is no gateway is addressed (Messaging on TCP/IP V1.0b,
appendix A)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the user wants; what is empty is for us to choose.

    Attributes:
        every: all units, and all paces that any device of the catalogue can be set to.
    """

    bauds: tuple[int, ...] = ()
    parities: tuple[Parity, ...] = ()
    units: tuple[int, ...] = ()
    every: bool = False


def plan(bus: ModbusBus, scope: Scope, profiles: Sequence[ModbusProfile]) -> tuple[Probe, ...]:
    """What to ask on a bus, in this order."""
    if not isinstance(bus, PortBus):  # the line, if there is one, is set elsewhere
        return probes((None,), scope.units or _network_units(scope, profiles))
    units = scope.units or (ALL_UNITS if scope.every else FIRST_UNITS)
    known = (p for p in _factory(profiles) if not scope.units or p.unit in scope.units)
    return probes(_paces(scope, profiles), units, known)


def _network_units(scope: Scope, profiles: Iterable[ModbusProfile]) -> tuple[int, ...]:
    """With those that devices leave the factory with; each once."""
    units = ALL_UNITS if scope.every else FIRST_UNITS
    factory_units = sorted(profile.unit for profile in profiles)
    return tuple(dict.fromkeys((units[0], ITSELF, *units[1:], *factory_units)))


def _paces(scope: Scope, profiles: Sequence[ModbusProfile]) -> tuple[Pace, ...]:
    """The likeliest first; of what was asked for, those that no device has come last."""
    likely = likeliest([profile.serial for profile in profiles], every=scope.every)
    bauds = scope.bauds or tuple(dict.fromkeys(pace.baud for pace in likely))
    wanted = {pace for baud in bauds for pace in _of_speed(baud, scope.parities, likely)}
    rank = {pace: place for place, pace in enumerate(likely)}
    return tuple(sorted(wanted, key=lambda pace: (rank.get(pace, len(rank)), pace)))


def _of_speed(baud: int, parities: Sequence[Parity], likely: Sequence[Pace]) -> Iterable[Pace]:
    """The paces of a speed: with these parities; else those that are likely, or no parity."""
    if parities:
        return [Pace(baud, parity) for parity in parities]
    return [pace for pace in likely if pace.baud == baud] or [Pace(baud)]


def _factory(profiles: Sequence[ModbusProfile]) -> Iterator[Probe]:
    """Each model as it leaves the factory, asked for a register that it has."""
    for profile in profiles:
        first = next((c for c in profile.channels if c.access.is_read and not c.resets), None)
        if first is not None:
            yield Probe(factory(profile.serial), profile.unit, first.table, first.address)
