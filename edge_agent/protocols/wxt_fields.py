"""What a Vaisala weather transmitter's fields are called, and the one unit that each has here.

Pa=1.0058B ─► 1005.8 hPa     Sm=11.3N ─► 5.81 m/s     Ta=64.2F ─► 17.9 Cel     Dm=106# ─► not valid
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from telemetry.sample import NOT_VALID, UNKNOWN_CODE

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Fields
    from telemetry.sample import Flag

INVALID = "#"

Affine = tuple[Fraction, Fraction]
"""Factor and offset, exact, so that 1.0058 bar are 1005.8 hPa."""


def _factors(**units: str) -> dict[str, Affine]:
    return {letter: (Fraction(factor), Fraction(0)) for letter, factor in units.items()}


SPEED = _factors(M="1", K="5/18", S="0.44704", N="463/900")
"""To m/s, from m/s, km/h, miles per hour, knots."""
TEMPERATURE = {"C": (Fraction(1), Fraction(0)), "F": (Fraction(5, 9), Fraction(-160, 9))}
PRESSURE = _factors(H="1", P="0.01", B="1000", M="1.33322387415", I="33.86388640341")
"""To hPa, from hPa, Pa, bar, mm and inches of mercury (at 0 Cel)."""
LENGTH = _factors(M="1", I="25.4")
"""To mm, or mm/h."""
HITS = _factors(M="1", I="10000/64516")
"""To hits/cm2, or hits/cm2h. Plain hits (H) would need the sensor's area."""
HEATING = _factors(V="1", W="1", F="1", N="1")
"""Volts; the letter tells what the heating does."""

UNITS: dict[str, dict[str, Affine]] = {
    **dict.fromkeys(("Dn", "Dm", "Dx"), _factors(D="1")),
    **dict.fromkeys(("Sn", "Sm", "Sx"), SPEED),
    **dict.fromkeys(("Ta", "Tp", "Th", "Tr"), TEMPERATURE),
    "Ua": _factors(P="1"),
    "Pa": PRESSURE,
    **dict.fromkeys(("Rc", "Ra", "Ri", "Rp"), LENGTH),
    **dict.fromkeys(("Rd", "Hd"), _factors(s="1")),
    **dict.fromkeys(("Hc", "Hi", "Hp"), HITS),
    "Vh": HEATING,
    **dict.fromkeys(("Vs", "Vr", "Sl", "Sr"), _factors(V="1")),
    "Rt": _factors(R="1"),
}
"""By a field's key, what the letter behind its value does to it.

Wind direction and speed: lowest, mean, highest. Ta air, Tp inside, Th heating, Tr the Pt1000 at
the auxiliary input, Rt its resistance in ohm. Rc rain and Hc hail since the reset, for Rd and Hd
seconds, intensity Ri and Hi, its peak Rp and Hp, Ra the auxiliary rain gauge. Vh heating, Vs
supply, Vr the reference of 3.5 V, Sl and Sr the voltages of a level and a radiation sensor.
"""

MODES = {
    "N": "off",
    "V": "half_power",
    "W": "full_power",
    "F": "half_power_too_cold",
}
"""The letter of Vh: off, or on at a duty of 50 %, 100 %, or 50 % below the lowest limit."""

TEXTS = ("Id",)
FIELDS = (*UNITS, "Vh.mode", *TEXTS)

_NUMBER = re.compile(r"(-?\d{1,7}(?:\.\d{1,9})?)([A-Za-z#])")


def read(key: str, said: str) -> Fields | None:
    """What one field says, by name; None if it can only be damaged.

    A key that is not known says nothing.
    """
    if key in TEXTS:
        return {key: said.strip()}
    if key not in UNITS:
        return {}
    parts = _NUMBER.fullmatch(said)
    if parts is None:
        return None
    modes = {"Vh.mode": MODES.get(parts[2], NOT_VALID)} if key == "Vh" else {}
    return {key: _converted(key, parts[1], parts[2]), **modes}


def _converted(key: str, number: str, letter: str) -> float | Flag:
    if letter == INVALID:
        return NOT_VALID
    if letter not in UNITS[key]:
        return UNKNOWN_CODE
    factor, offset = UNITS[key][letter]
    return float(Fraction(number) * factor + offset)
