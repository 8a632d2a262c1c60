"""Promise: what a person reads fits a terminal of 80 columns, in both languages, at a big site.

A collector with open alarms, simulated devices, and an agent with sixty devices of long names, one
that is silent and a bus that is down.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from collector.cli import app as collector_app
from edge_agent.cli import app as agent_app
from firmware_bridge.cli import app as bridge_app
from parts.collector import collector
from parts.site import agent, simulated_street
from telemetry.layout import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import typer
    from typer.testing import Result

    from parts.collector import CollectorProcess
    from parts.site import AgentProcess

RULES = """
schema: alarm-rules/1
rules:
  - id: red-lamp-failed-at-the-crossing
    title: Đèn đỏ hỏng tại giao lộ Trần Hưng Đạo và Nguyễn Huệ, hướng vào trung tâm thành phố
    watch: {channel: red_lamp_failed}
    when: {equals: true}
    priority: high
    action: >-
      Cử đội bảo trì đến tủ điều khiển, báo cảnh sát giao thông quận 1 theo số 0123 456 789,
      rồi xác nhận cảnh báo kèm ghi chú
"""
LONG = "den-tin-hieu-tran-hung-dao-{:02}"
FAULTY = "thiet-bi-im-lang-o-tu-thu-hai"
ABSENT = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_AB0123456789-if00-port0"
LONG_BUS = "tu-dieu-khien-giao-lo-tran-hung-dao-40ch"

COLUMNS = 80
"""What a terminal over a slow link has."""

APPS: dict[str, typer.Typer] = {
    "edge-agent": agent_app,
    "collector": collector_app,
    "firmware-bridge": bridge_app,
}


def site_of_sixty(buses: list[dict[str, Any]]) -> dict[str, Any]:
    """An agent's configuration; all of its good devices are one and the same simulated signal."""
    street = buses[0] | {"id": LONG_BUS}
    down = {"id": "tu-dien", "transport": "modbus-rtu", "port": ABSENT}
    common = {"bus": LONG_BUS, "profile": "traffic-signal-plc", "interval": "5s"}
    label = "Giao lộ Trần Hưng Đạo - Nguyễn Huệ, tủ điều khiển thứ {}, phường Bến Nghé"
    good = [common | {"id": LONG.format(n), "unit": 3, "label": label.format(n)} for n in range(60)]
    bad = [
        common | {"id": FAULTY, "unit": 99},
        common | {"id": "hong", "unit": 1, "bus": "tu-dien"},
    ]
    return {"buses": [street, down], "devices": [*good, *bad]}


@dataclass(frozen=True)
class Place:
    """What the commands are run on."""

    centre: CollectorProcess
    site: AgentProcess
    occurrence: str

    def run(self, command: str, *more: str) -> Result:
        """A command with its files named, as it ended; it may not end in a traceback."""
        program, *words = command.format(
            site=self.site.config_file,
            centre=self.centre.config,
            rules=self.centre.directory / "rules.yaml",
            occurrence=self.occurrence,
        ).split()
        done = CliRunner().invoke(APPS[program], [*words, *more])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The site at work, with its alarms open."""
    home: Path = tmp_path_factory.mktemp("place")
    (home / "centre").mkdir()
    (home / "agent").mkdir()
    with contextlib.ExitStack() as parts:
        street = parts.enter_context(simulated_street(home))
        centre = parts.enter_context(collector(home / "centre", RULES))
        site = parts.enter_context(agent(home / "agent", site_of_sixty(street.buses)))
        site.enrol(centre)
        site.start()
        centre.until(lambda: len(centre.get("/v1/alarms")) >= 60, "alarm for each device")
        site.until(lambda: site.device(FAULTY)["state"] == "silent", "silent device")
        yield Place(centre, site, str(centre.get("/v1/alarms")[0]["occurrence"]))


COMMANDS = [
    "edge-agent check -c {site}",
    "edge-agent check --offline -c {site}",
    "edge-agent plan -c {site}",
    "edge-agent status -c {site}",
    "edge-agent outbox -c {site}",
    "edge-agent ports -c {site}",
    "edge-agent diag --list -c {site}",
    "edge-agent read den-tin-hieu-tran-hung-dao-07 -c {site}",
    "edge-agent read thiet-bi-im-lang-o-tu-thu-hai -c {site}",
    "edge-agent read hong -c {site}",
    "edge-agent read nothing -c {site}",
    "edge-agent read nothing --unit 1 -c {site}",
    "edge-agent read tu-dieu-khien-giao-lo-tran-hung-dao-40ch --unit 3 --count 14 -c {site}",
    "edge-agent read tu-dieu-khien-giao-lo-tran-hung-dao-40ch --unit 98 -c {site}",
    "edge-agent scan tu-dieu-khien-giao-lo-tran-hung-dao-40ch --units 3,98 -c {site}",
    "edge-agent scan tu-dien -c {site}",
    "edge-agent test --device den-tin-hieu-tran-hung-dao-07 --within 6s -c {site}",
    "edge-agent test --expect den-tin-hieu-tran-hung-dao-07.nothing=1 -c {site}",
    "edge-agent profiles list",
    "edge-agent profiles show traffic-signal-plc",
    "edge-agent profiles show caltrans-ab3418",
    "edge-agent profiles list nothing",
    "collector check -c {centre}",
    "collector query -c {centre}",
    "collector query gw-1 den-tin-hieu-tran-hung-dao-07 --last 1d -c {centre}",
    "collector query gw-1 thiet-bi-im-lang-o-tu-thu-hai --quality all -c {centre}",
    "collector query gw-1 den-tin-hieu-tran-hung-dao-07 phase --agg mean -c {centre}",
    "collector query gw-1 nothing-of-that-long-name-in-the-store -c {centre}",
    "collector alarms list -c {centre}",
    "collector alarms list --priority low -c {centre}",
    "collector alarms show {occurrence} -c {centre}",
    "collector alarms show nothing -c {centre}",
    "collector agents list -c {centre}",
    "collector tokens list -c {centre}",
    "collector dead-letters list -c {centre}",
    "collector rules check {rules}",
    "collector rules list {rules}",
]


@pytest.mark.system
@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_shows_fits(place: Place, command: str, lang: str) -> None:
    done = place.run(command, "--lang", lang)

    assert done.output
    assert wide(done.output) == []


@pytest.mark.system
@pytest.mark.parametrize("command", [each for each in COMMANDS if " rules " not in each])
def test_what_scripts_read_is_one_document_and_nothing_else(place: Place, command: str) -> None:
    done = place.run(command, "--json")

    assert done.stdout or done.exit_code
    assert not done.stdout or json.loads(done.stdout) is not None


def every_help() -> Iterator[list[str]]:
    for program, app in APPS.items():
        yield from ([program, *words] for words in _commands(get_command(app)))


def _commands(command: Any) -> Iterator[list[str]]:  # noqa: ANN401 - click's, which typer hides
    yield []
    for name, child in getattr(command, "commands", {}).items():
        yield from ([name, *words] for words in _commands(child))


@pytest.mark.parametrize("words", list(every_help()), ids=" ".join)
def test_every_help_fits_and_cuts_no_sentence(words: list[str]) -> None:
    program, *rest = words

    shown_help = CliRunner().invoke(APPS[program], [*rest, "--help"], prog_name=program).output

    assert wide(shown_help) == []
    listed = shown_help.partition("Commands:")[2]
    assert "..." not in listed


def wide(text: str) -> list[str]:
    """Lines that a terminal would break, but for a path: nobody could use half of one."""
    return [line for line in text.splitlines() if shown(line) > COLUMNS and len(line.split()) > 1]
