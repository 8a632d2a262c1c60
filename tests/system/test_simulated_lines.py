"""Promise: the agent reads each simulated serial device, over a port as over a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.loader import find
from edge_agent.simulate.far_ends import MODULES
from parts.site import agent, simulated

if TYPE_CHECKING:
    from pathlib import Path

    from parts.site import AgentProcess

pytestmark = pytest.mark.system

SAYS: dict[str, dict[str, Any]] = {
    "plantower-pms5003": {"pm25": 8.0, "n0_3": 2.1},
    "nova-sds011": {"pm25": 8.1, "pm10": 12.0, "device_id": "58d9"},
    "dlt645-2007": {"voltage_l1": 230.5, "power": -0.3412},
    "megatec-q1": {"battery_voltage": 27.5, "on_battery": True, "nominal_voltage": 220.0},
    "iskra-mt": {"energy_import": 502.853, "meter_time": "12h30"},
}
"""Something of each kind, by profile."""


def test_what_is_simulated_on_serial_lines_is_read(tmp_path: Path) -> None:
    lines = [
        {
            "id": profile,
            "kind": "serial",
            "link": str(tmp_path / f"tty-{profile}"),
            "devices": [{"id": profile, "profile": profile, "channels": said}],
        }
        for profile, said in SAYS.items()
    ]
    site = {
        "buses": [
            {"id": line["id"], "transport": "serial", "port": line["link"]} for line in lines
        ],
        "devices": [
            {"id": profile, "bus": profile, "profile": profile, "interval": "500ms"}
            for profile in SAYS
        ],
    }
    with simulated(tmp_path, lines) as ready, agent(tmp_path, site) as gateway:
        assert ready[0].endswith("tty-plantower-pms5003, devices: plantower-pms5003\n")
        gateway.start()
        for profile, said in SAYS.items():
            until_read(gateway, profile, said)
        assert gateway.stop() == 0

    assert "Traceback" not in gateway.log()


def until_read(gateway: AgentProcess, device: str, said: dict[str, Any]) -> None:
    seen: dict[str, Any] = {}

    def is_read() -> bool:
        for sample in gateway.device(device)["samples"]:
            seen.update(sample["values"])
        return said.items() <= seen.items()

    gateway.until(is_read, f"what {device} says")


def test_each_protocol_that_can_be_simulated_is_among_them() -> None:
    assert {find(profile).protocol for profile in SAYS} == set(MODULES)
