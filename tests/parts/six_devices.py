"""Six kinds of devices: what each says, told here, and which bytes they say it with."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.sample import Value

Said = dict[str, tuple["Value", str]]
"""Value and unit, by channel."""

POWER_METER: Said = {
    "voltage": (230.5, "V"),
    "current": (1.25, "A"),
    "power_active": (-287.5, "W"),
    "power_apparent": (288.0, "VA"),
    "power_reactive": (-16.5, "var"),
    "power_factor": (-0.5, "/"),
    "frequency": (50.0, "Hz"),
    "energy_import": (4821.5, "kWh"),
    "energy_export": (0.0, "kWh"),
    "energy_reactive_import": (12.25, "kvarh"),
    "energy_reactive_export": (3.5, "kvarh"),
    "energy_total": (4821.5, "kWh"),
    "energy_reactive_total": (15.75, "kvarh"),
}
"""Floats that 32 bits hold exactly."""

REGISTERS = (0x00, 0x06, 0x0C, 0x12, 0x18, 0x1E, 0x46, 0x48, 0x4A, 0x4C, 0x4E, 0x156, 0x158)
"""Where an SDM120 has them, in the same order (volkszaehler/mbmd, meters/rs485/sdm120.go)."""

ITEMS = {
    "02010100": "0523",  # low byte first
    "02020100": "341200",
    "02030000": "123480",  # the top bit is the sign
    "02040000": "785600",
    "02050000": "000030",
    "02060000": "9909",
    "02800002": "9849",
    "00000000": "40301200",
    "00010000": "99999999",
    "00020000": "01000000",
    "04000402": "785634120900",
}
"""What a single-phase meter with DL/T 645-2007 has."""

PARTICLES = "424d 001c 0000 0008 0008 0000 0008 0008 00d2 0046 002d 001e 0000 0000 9700 02c5"
"""A PMS5003's frame (avaldebe/PyPMS, tests/captured_data/PMSx003.hexdump)."""

SAYS: dict[str, Said] = {
    "meter-1": POWER_METER,
    "climate-1": {
        "temperature": (-20.5, "Cel"),
        "humidity": (54.6, "%RH"),
        "temperature_correction": (-0.5, "Cel"),
        "humidity_correction": (1.0, "%RH"),
    },
    "water-1": {
        "flow": (-100.59, "l/s"),
        "pressure": (4.2, "bar"),
        "volume": (3_000_000_000, "m3"),
    },
    "inverter-1": {
        "current_total": (12.34, "A"),
        "current_l1": (4.11, "A"),
        "current_l2": (4.12, "A"),
        "current_l3": (4.11, "A"),
        "voltage_l1": (230.1, "V"),
        "voltage_l2": (230.2, "V"),
        "voltage_l3": (0.0, "V"),
        "power": (-5000.0, "W"),
        "frequency": (50.01, "Hz"),
        "energy": (4_000_000_000.0, "Wh"),
        "dc_voltage": (700.0, "V"),
        "dc_power": (-327_670.0, "W"),
        "temperature": (-3.5, "Cel"),
        "state": ("mppt", ""),
        "events": ("cabinet_open,over_temp", ""),
        "a_sf": (-2, ""),
        "v_sf": (-1, ""),
        "w_sf": (1, ""),
        "hz_sf": (-2, ""),
        "wh_sf": (0, ""),
        "dcv_sf": (2, ""),
        "dcw_sf": (1, ""),
        "tmp_sf": (-1, ""),
    },
    "dlt-1": {
        "voltage_l1": (230.5, "V"),
        "current_l1": (1.234, "A"),
        "power": (-0.3412, "kW"),
        "reactive_power": (0.5678, "kvar"),
        "apparent_power": (30.0, "kVA"),
        "power_factor": (0.999, "/"),
        "frequency": (49.98, "Hz"),
        "energy": (1230.4, "kWh"),
        "energy_import": (999999.99, "kWh"),
        "energy_export": (0.01, "kWh"),
        "meter_number": ("000912345678", ""),
    },
    "air-1": {
        "pm1": (0.0, "ug/m3"),
        "pm25": (8.0, "ug/m3"),
        "pm10": (8.0, "ug/m3"),
        "pm1_cf1": (0.0, "ug/m3"),
        "pm25_cf1": (8.0, "ug/m3"),
        "pm10_cf1": (8.0, "ug/m3"),
        "n0_3": (2.1, "1/cm3"),
        "n0_5": (0.7, "1/cm3"),
        "n1_0": (0.45, "1/cm3"),
        "n2_5": (0.3, "1/cm3"),
        "n5_0": (0.0, "1/cm3"),
        "n10_0": (0.0, "1/cm3"),
        "error_code": (0, ""),
    },
}
PROFILES = {
    "meter-1": "eastron-sdm120",
    "climate-1": "xy-md02",
    "water-1": "water-main-flow",
    "inverter-1": "sunspec-103",
    "dlt-1": "dlt645-2007",
    "air-1": "plantower-pms5003",
}
OTHER_PHASES = {
    "voltage_l2": "02010200",
    "voltage_l3": "02010300",
    "current_l2": "02020200",
    "current_l3": "02020300",
}


def slaves() -> dict[int, dict[int, int]]:
    """A power meter as unit 11 and a sensor as unit 12, whose registers are told here."""
    meter: dict[int, int] = {}
    for address, (value, _) in zip(REGISTERS, POWER_METER.values(), strict=True):
        meter[address], meter[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return {11: meter, 12: {1: 0xFF33, 2: 0x0222, 0x103: 0xFFFB, 0x104: 10}}
