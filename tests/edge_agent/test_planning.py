"""What is read of a configured device; what cannot be on its bus is told with its line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from edge_agent.bus.inquiry import Inquiry
from edge_agent.bus.request import Request
from edge_agent.site import site
from edge_agent.site.load import Fit, loads
from telemetry.language import Lang
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.site.site import Site

BUSES = """\
agent: {id: gw-1}
buses:
  - {id: rs485, transport: modbus-rtu, port: /dev/ttyUSB0}
  - {id: ascii, transport: modbus-ascii, port: /dev/ttyUSB1}
  - {id: net, transport: modbus-tcp, host: 192.0.2.1}
  - {id: field, transport: serial, port: /dev/ttyUSB2}
  - {id: far, transport: serial-over-tcp, host: 192.0.2.2, port: 4001}
uplink: {host: 127.0.0.1}
devices:
"""


def loaded(directory: Path, *devices: str) -> Site:
    path = directory / "agent.yaml"
    path.write_text(BUSES + "".join(f"  - {{id: d-{n}, {d}}}\n" for n, d in enumerate(devices)))
    return site.load(path)


@pytest.mark.parametrize(
    ("device", "told"),
    [
        (
            "bus: field, profile: eastron-sdm120",
            (
                "bus — eastron-sdm120 speaks Modbus, and bus 'field' is serial; "
                "it needs one of modbus-rtu, modbus-tcp and so on"
            ),
        ),
        (
            "bus: rs485, profile: plantower-pms5003",
            (
                "bus — plantower-pms5003 speaks plantower, and bus 'rs485' is modbus-rtu; "
                "it needs serial or serial-over-tcp"
            ),
        ),
        (
            "bus: field, profile: plantower-pms5003, unit: 3",
            "unit — plantower-pms5003 speaks plantower, not Modbus: say address",
        ),
        (
            'bus: rs485, profile: eastron-sdm120, address: "3"',
            "address — eastron-sdm120 speaks Modbus, whose addresses are units: say unit",
        ),
        (
            "bus: field, profile: plantower-pms5003, address: somewhere",
            "address — address 'somewhere' should be",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, device: str, told: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        loaded(tmp_path, "bus: rs485, profile: eastron-sdm120", device)

    (problem,) = wrong.value.problems
    assert problem.startswith(f"{tmp_path}/agent.yaml:11: devices[1].{told}")


def test_all_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as wrong:
        loaded(
            tmp_path,
            "bus: field, profile: eastron-sdm120",
            "bus: rs485, profile: plantower-pms5003, unit: 3",
            "bus: rs485, profile: eastron-sdm12",
        )

    assert len(wrong.value.problems) == 4


def test_a_device_of_another_protocol_is_asked_by_exchanges(tmp_path: Path) -> None:
    (sensor,) = loaded(tmp_path, "bus: field, profile: plantower-pms5003").devices

    fast, slow = sensor.rounds
    (joint,) = sensor.timetable.together.values()
    (exchange,) = joint.requests

    assert sensor.address == "active"
    assert isinstance(exchange, Inquiry)
    assert {c.id for c in exchange.channels} == {c.id for c in (*fast.channels, *slow.channels)}
    assert joint.seconds(sensor.cost) == fast.seconds(sensor.cost), "one frame has it all"


def test_what_is_read_once_is_no_interval_of_the_site(tmp_path: Path) -> None:
    (meter,) = loaded(tmp_path, "bus: net, profile: schneider-pm5100, interval: 10s").devices

    assert [each.interval for each in meter.rounds] == [10, 60, math.inf]
    assert meter.heartbeat == 60


def test_the_cost_is_the_actual_bus_s(tmp_path: Path) -> None:
    devices = [f"bus: {bus}, profile: eastron-sdm120" for bus in ("rs485", "ascii", "net")]

    rtu, ascii_mode, network = (d.cost for d in loaded(tmp_path, *devices).devices)

    assert ascii_mode.char_seconds == pytest.approx(2 * rtu.char_seconds)
    assert network.char_seconds < rtu.char_seconds / 100


def test_devices_that_are_alike_share_their_reads(tmp_path: Path) -> None:
    first, second = loaded(
        tmp_path,
        "bus: rs485, profile: eastron-sdm120, unit: 1",
        "bus: rs485, profile: eastron-sdm120, unit: 2",
    ).devices

    assert first.rounds[0].requests is second.rounds[0].requests
    assert isinstance(first.rounds[0].requests[0], Request)


# whether it fits


def test_what_fits_needs_no_words(tmp_path: Path) -> None:
    fits = loads(loaded(tmp_path, "bus: rs485, profile: eastron-sdm120"))[0]

    assert fits.fit is Fit.FITS
    assert list(fits.words(Lang.EN)) == []


def test_what_does_not_fit_says_what_would(tmp_path: Path) -> None:
    """1.2 kB/s, of which a meter wants 0.3 s each 200 ms."""
    busy = loads(loaded(tmp_path, "bus: rs485, profile: eastron-sdm120, interval: 200ms"))[0]

    assert busy.fit is Fit.TOO_MUCH
    says = " ".join(busy.words(Lang.EN))
    assert "which it does not have. Read " in says
    assert f"d-0 alone takes {busy.share * 100:.1f} %" in says
    assert all(word for word in busy.words(Lang.VI))


def test_a_bus_without_devices_is_idle(tmp_path: Path) -> None:
    idle = loads(loaded(tmp_path, "bus: rs485, profile: eastron-sdm120"))[1]

    assert (idle.share, idle.worst, idle.shortest) == (0, 0, None)
