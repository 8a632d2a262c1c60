"""What is wrong in a configuration is told by file, line and field, all at once, before a start."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.config import AgentConfig
from edge_agent.site import site
from telemetry import settings
from telemetry.settings import SettingsError

WHOLE = """\
agent: {id: gw-1, site: market-hall, position: [10.7769, 106.7009]}
data_dir: /tmp/state
buses:
  - {id: rs485, transport: modbus-rtu, port: /dev/ttyUSB0, baud: 19200, parity: E}
  - {id: cabinet, transport: modbus-tcp, host: 192.0.2.10, timeout: 300ms}
devices:
  - {id: meter-1, bus: rs485, unit: 7, profile: eastron-sdm120, interval: 10s}
  - {id: meter-2, bus: cabinet, unit: 255, profile: eastron-sdm120, label: Incoming}
uplink: {host: 127.0.0.1}
"""


def parsed(text: str) -> AgentConfig:
    return settings.parse(textwrap.dedent(text), AgentConfig, "agent.yaml")


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        parsed(text)
    return wrong.value.problems


def test_a_whole_file_is_one_model() -> None:
    config = parsed(WHOLE)

    assert [type(bus) for bus in config.buses] == [RtuBus, TcpBus]
    assert config.devices[0].interval == 10.0
    assert config.outbox_path == Path("/tmp/state/outbox.db")  # noqa: S108 - not opened


def test_an_id_is_enough_to_begin_with() -> None:
    config = parsed("agent: {id: gw-1}")

    assert config.data_dir == Path("/var/lib/city-telemetry/agent")
    assert config.uplink.host == "127.0.0.1"
    assert config.vitals.interval == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("unit: 7", "unit: 248"), "agent.yaml:7: devices[0].unit — should be at most 247"),
        (
            ("unit: 7", "unit: 0"),
            (
                "agent.yaml:7: devices[0].unit — should be at least 1; "
                "0 addresses every device on a serial line"
            ),
        ),
        (
            ("unit: 255", "unit: 248"),
            "agent.yaml:8: devices[1].unit — should be at most 247, or 255",
        ),
        (
            ("bus: rs485", "bus: rs458"),
            "agent.yaml:7: devices[0].bus — there is no bus 'rs458'; known are rs485, cabinet",
        ),
        (
            ("id: meter-2", "id: meter-1"),
            "agent.yaml:8: devices[1].id — 'meter-1' is taken by devices[0]",
        ),
        (
            ("id: cabinet", "id: rs485"),
            "agent.yaml:5: buses[1].id — 'rs485' is taken by buses[0]",
        ),
        (
            ("id: meter-2", "id: gateway"),
            "agent.yaml:8: devices[1].id — 'gateway' is a name of the agent's own samples",
        ),
        (
            ("id: meter-2", "id: " + "m" * 34),
            (
                f"agent.yaml:8: devices[1].id — {'m' * 34!r} is longer than 33; "
                f"its counters are {'m' * 34 + '-health'!r}"
            ),
        ),
        (
            ("interval: 10s", "interval: 10"),
            (
                "agent.yaml:7: devices[0].interval — "
                "should be a duration such as 10s, 5min or 400d; 10 has no unit"
            ),
        ),
        (
            ("parity: E", "parity: X"),
            "agent.yaml:4: buses[0].parity — should be 'N', 'E' or 'O'",
        ),
        (
            ("baud: 19200", "bauds: 19200"),
            "agent.yaml:4: buses[0].bauds — no such key here; did you mean 'baud'?",
        ),
        (("id: gw-1", "id: GW 1"), None),
        (("label: Incoming", "label: [1]"), None),
    ],
)
def test_a_mistake_is_told_with_its_line(change: tuple[str, str], message: str | None) -> None:
    found = problems(WHOLE.replace(*change))

    assert len(found) >= 1
    if message is not None:
        assert message in found


def test_a_serial_port_belongs_to_one_bus() -> None:
    twice = WHOLE.replace(
        "  - {id: cabinet, transport: modbus-tcp, host: 192.0.2.10, timeout: 300ms}",
        "  - {id: cabinet, transport: modbus-rtu, port: /dev/ttyUSB0}",
    ).replace("unit: 255", "unit: 8")

    assert problems(twice) == ["agent.yaml:5: buses[1].port — /dev/ttyUSB0 is taken by bus 'rs485'"]


def test_all_mistakes_are_told_at_once() -> None:
    text = WHOLE.replace("unit: 7", "unit: 300").replace("bus: cabinet", "bus: nowhere")

    assert len(problems(text)) >= 2


def test_a_broker_elsewhere_is_not_spoken_to_in_clear() -> None:
    found = problems(WHOLE.replace("host: 127.0.0.1", "host: broker.example"))

    assert "give tls" in found[0]


def test_an_unknown_profile_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(WHOLE.replace("eastron-sdm120, label", "eastron-sdm12, label"))

    with pytest.raises(SettingsError) as wrong:
        site.load(path)

    assert wrong.value.problems == [
        (
            f"{path}:8: devices[1].profile — there is no profile 'eastron-sdm12'; "
            "did you mean 'eastron-sdm120'?"
        )
    ]


def test_a_sites_interval_is_for_the_fastest_group(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(WHOLE)

    meter_1, meter_2 = site.load(path).devices

    assert [each.interval for each in meter_1.rounds] == [10.0, 60.0]
    assert [each.interval for each in meter_2.rounds] == [5.0, 60.0]
    assert meter_1.heartbeat == 60.0


def test_groups_that_share_an_interval_are_one_round(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(WHOLE.replace("interval: 10s", "interval: 60s"))

    rounds = site.load(path).devices[0].rounds

    assert [each.interval for each in rounds] == [60.0]
    assert len(rounds[0].channels) == 13
