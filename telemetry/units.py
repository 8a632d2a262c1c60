"""Units by their SenML names: one closed table, so that no part ever parses a unit.

A value times `factor` is the value in `base`. The names are those of RFC 8428 §12.1 and RFC 8798;
what a city needs beyond them stands in `LOCAL`, marked, until the registry has it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement.

    Attributes:
        name: as SenML spells it.
        label: as people write it.
        base: the SenML name of the unit that it can be converted to.
        factor: how many `base` one of it is.
    """

    name: str
    label: str
    base: str
    factor: float


def _primary(name: str, label: str | None = None) -> Unit:
    return Unit(name, name if label is None else label, name, 1.0)


PRIMARY = (
    *(_primary(name) for name in ("m", "kg", "g", "s", "A", "K", "cd", "mol", "Hz", "rad", "sr")),
    *(_primary(name) for name in ("N", "Pa", "J", "W", "C", "V", "F", "S", "Wb", "T", "H", "lm")),
    *(_primary(name) for name in ("lx", "Bq", "Gy", "Sv", "kat", "l", "m/s", "l/s", "pH", "dB")),
    *(_primary(name) for name in ("bit", "bit/s", "lat", "lon", "dBW", "1/s", "1/min", "S/m")),
    *(_primary(name) for name in ("B", "VA", "var", "J/m", "beats", "beat/min")),
    _primary("Ohm", "Ω"),
    _primary("Cel", "°C"),
    _primary("m2", "m²"),
    _primary("m3", "m³"),
    _primary("m/s2", "m/s²"),
    _primary("m3/s", "m³/s"),
    _primary("W/m2", "W/m²"),
    _primary("cd/m2", "cd/m²"),
    _primary("kg/m3", "kg/m³"),
    _primary("deg", "°"),
    _primary("VAs", "VA·s"),
    _primary("vars", "var·s"),
    _primary("Bspl", "B SPL"),
    _primary("count", ""),
    _primary("/", ""),
    _primary("%RH", "% RH"),
    _primary("%EL", "%"),
    _primary("EL", "s"),
    Unit("%", "%", "/", 0.01),
)
"""RFC 8428 §12.1 and RFC 8798 §2. `%` is there as a name of its own; it is a hundredth of `/`."""

SECONDARY = (
    Unit("ms", "ms", "s", 0.001),
    Unit("min", "min", "s", 60),
    Unit("h", "h", "s", 3600),
    Unit("MHz", "MHz", "Hz", 1_000_000),
    Unit("kW", "kW", "W", 1000),
    Unit("kVA", "kVA", "VA", 1000),
    Unit("kvar", "kvar", "var", 1000),
    Unit("Ah", "Ah", "C", 3600),
    Unit("Wh", "Wh", "J", 3600),
    Unit("kWh", "kWh", "J", 3_600_000),
    Unit("varh", "varh", "vars", 3600),
    Unit("kvarh", "kvarh", "vars", 3_600_000),
    Unit("kVAh", "kVAh", "VAs", 3_600_000),
    Unit("Wh/km", "Wh/km", "J/m", 3.6),
    Unit("KiB", "KiB", "B", 1024),
    Unit("GB", "GB", "B", 1e9),
    Unit("Mbit/s", "Mbit/s", "bit/s", 1_000_000),
    Unit("B/s", "B/s", "bit/s", 8),
    Unit("MB/s", "MB/s", "bit/s", 8_000_000),
    Unit("mV", "mV", "V", 0.001),
    Unit("mA", "mA", "A", 0.001),
    Unit("ug/m3", "µg/m³", "kg/m3", 1e-9),
    Unit("mm/h", "mm/h", "m/s", 1 / 3_600_000),
    Unit("m/h", "m/h", "m/s", 1 / 3600),
    Unit("ppm", "ppm", "/", 1e-6),
    Unit("/100", "%", "/", 0.01),
    Unit("/1000", "‰", "/", 0.001),
    Unit("hPa", "hPa", "Pa", 100),
    Unit("mm", "mm", "m", 0.001),
    Unit("cm", "cm", "m", 0.01),
    Unit("km", "km", "m", 1000),
    Unit("km/h", "km/h", "m/s", 1 / 3.6),
)
"""RFC 8798 §3. Its `dBm` is left out: it differs from `dBW` by an offset, not by a factor."""

LOCAL = (
    Unit("VAh", "VAh", "VAs", 3600),
    Unit("MWh", "MWh", "J", 3.6e9),
    Unit("kPa", "kPa", "Pa", 1000),
    Unit("bar", "bar", "Pa", 100_000),
    Unit("m3/h", "m³/h", "m3/s", 1 / 3600),
    Unit("l/min", "l/min", "l/s", 1 / 60),
    Unit("mg/l", "mg/l", "kg/m3", 0.001),
    Unit("mg/m3", "mg/m³", "kg/m3", 1e-6),
    Unit("ppb", "ppb", "/", 1e-9),
    Unit("uS/cm", "µS/cm", "S/m", 0.0001),
    Unit("um", "µm", "m", 1e-6),
    Unit("1/cm3", "1/cm³", "1/m3", 1e6),
    _primary("1/m3", "1/m³"),
    _primary("NTU"),
    _primary("dBA", "dB(A)"),
)
"""Ours, not SenML's: say so when they are exported."""

UNITS = {unit.name: unit for unit in (*PRIMARY, *SECONDARY, *LOCAL)}
"""Every unit by its name; a quantity without one has the empty name, which stands not here."""


def label(name: str) -> str:
    """The unit as people write it: `°C` for `Cel`, nothing for a number without a unit."""
    return UNITS[name].label if name in UNITS else name
