"""Which settings of a serial line to try, the likeliest first, as the catalogue's devices have it.

What many models leave the factory with comes before what many can be set to. One stop bit is asked
with, and two are understood: "The receiver checks the first Stop-bit only, regardless of the number
of Stop-bits selected" (National Semiconductor, PC16550D, line control register).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.registers import Parity
from edge_agent.bus.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_profiles.behaviour import Serial

DATA_BITS = 8
"""Of a Modbus RTU character (Modbus over Serial Pace V1.02, §2.5.1)."""


@dataclass(frozen=True, slots=True, order=True)
class Pace:
    """How a serial port is set, with one stop bit."""

    baud: int
    parity: Parity = Parity.NONE

    @property
    def wire(self) -> Wire:
        """Its times."""
        return Wire(self.baud, 1 + DATA_BITS + (self.parity is not Parity.NONE) + 1)

    def __str__(self) -> str:
        return f"{self.baud} {DATA_BITS}{self.parity}1"


def factory(serial: Serial) -> Pace:
    """How a device's port is set when it leaves the factory."""
    return Pace(serial.baud[0], serial.parity[0])


def settable(serial: Serial) -> Iterator[Pace]:
    """Every way in which a device's port can be set."""
    for baud in serial.baud:
        for parity in serial.parity:
            yield Pace(baud, parity)


def likeliest(devices: Iterable[Serial], *, every: bool = False) -> tuple[Pace, ...]:
    """The factory settings of these devices, or `every` setting, the likeliest first."""
    devices = tuple(devices)
    from_factory = Counter(map(factory, devices))
    possible = Counter(line for serial in devices for line in settable(serial))
    chosen = possible if every else from_factory
    return tuple(sorted(chosen, key=lambda line: (-from_factory[line], -possible[line], line)))
