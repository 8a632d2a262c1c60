"""Promise: every unit has one name, and a factor to a unit that is in the table too."""

from __future__ import annotations

import pytest

from telemetry.units import LOCAL, PRIMARY, SECONDARY, UNITS, Unit, label


def test_no_name_stands_twice() -> None:
    assert len(UNITS) == len(PRIMARY) + len(SECONDARY) + len(LOCAL)


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_every_unit_has_a_base_that_is_its_own(unit: Unit) -> None:
    base = UNITS[unit.base]

    assert (base.base, base.factor) == (base.name, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "base", "in_base"),
    [
        ("kWh", 2, "J", 7_200_000),
        ("hPa", 1013, "Pa", 101_300),
        ("ug/m3", 35, "kg/m3", 3.5e-8),
        ("km/h", 36, "m/s", 10),
        ("mm/h", 3.6, "m/s", 1e-6),
        ("%", 50, "/", 0.5),
        ("l/min", 60, "l/s", 1),
    ],
)
def test_a_value_times_the_factor_is_in_the_base(
    name: str, value: float, base: str, in_base: float
) -> None:
    unit = UNITS[name]

    assert unit.base == base
    assert value * unit.factor == pytest.approx(in_base)


@pytest.mark.parametrize(
    ("name", "written"),
    [("Cel", "°C"), ("ug/m3", "µg/m³"), ("/", ""), ("kWh", "kWh"), ("", ""), ("parsec", "parsec")],
)
def test_people_read_a_unit_as_they_write_it(name: str, written: str) -> None:
    assert label(name) == written
