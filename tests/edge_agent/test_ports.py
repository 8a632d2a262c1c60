"""`ports` tells what is plugged in, the name that stays, who holds it, and how to mend it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.cli.ports import BECAUSE, _lines
from edge_agent.ports.advice import better
from edge_agent.ports.holders import Holder, Holders, holders
from edge_agent.ports.kernel import Adapter, Machine
from edge_agent.ports.naming import Naming, stable_name
from edge_agent.ports.ports import Port, ports
from telemetry.language import Lang
from telemetry.layout import COLUMNS, labelled

if TYPE_CHECKING:
    from collections.abc import Iterator

FTDI = Adapter("FTDI", "FT232R USB UART", "A5069RR4", "0403:6001")
CH340 = Adapter("QinHeng", "USB Serial", "", "1a86:7523")


class Board:
    """A machine in a directory, with what the kernel and udev would show."""

    def __init__(self, root: Path) -> None:
        self.machine = Machine(root / "dev", root / "sys", root / "proc")
        (root / "dev").mkdir()
        (root / "proc").mkdir()
        (self.machine.sys / "class" / "tty").mkdir(parents=True)

    def plug(self, name: str, adapter: Adapter, socket: str, **links: str) -> Path:
        """Plug a USB adapter in; udev makes the links, by the name of their directory."""
        usb = self.machine.sys / "devices" / socket
        port = usb / f"{socket}:1.0" / name
        port.mkdir(parents=True)
        vendor, product = adapter.usb_id.split(":")
        texts = {
            "manufacturer": adapter.vendor,
            "product": adapter.product,
            "serial": adapter.serial,
            "idVendor": vendor,
            "idProduct": product,
        }
        for key, text in texts.items():
            if text:
                (usb / key).write_text(text + "\n")
        (port / "latency_timer").write_text("16\n")
        self._driver(port, "usb_serial")
        return self._node(name, port, links)

    def solder(self, name: str, uart: str) -> Path:
        """A port of the board; type 0 is one that no chip stands behind."""
        chip = self.machine.sys / "devices" / f"{name}.serial"
        port = chip / f"{name}.serial:0" / f"{name}.serial:0.0"
        port.mkdir(parents=True)
        self._driver(chip, "uart-pl011")
        self._driver(port, "port")
        device = self._node(name, port, {})
        (self.machine.sys / "class" / "tty" / name / "type").write_text(uart + "\n")
        return device

    def _driver(self, place: Path, name: str) -> None:
        driver = self.machine.sys / "drivers" / name
        driver.mkdir(parents=True, exist_ok=True)
        (place / "driver").symlink_to(driver)

    def _node(self, name: str, port: Path, links: dict[str, str]) -> Path:
        entry = self.machine.sys / "class" / "tty" / name
        entry.mkdir()
        (entry / "device").symlink_to(port)
        device = self.machine.dev / name
        device.write_text("")
        for kind, link in links.items():
            if link:
                directory = self.machine.dev / "serial" / kind.replace("_", "-")
                directory.mkdir(parents=True, exist_ok=True)
                (directory / link).unlink(missing_ok=True)  # as udev: the last one has it
                (directory / link).symlink_to(device)
        return device


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def names(board: Board) -> dict[str, tuple[str, Naming]]:
    """What each port should be called, by the kernel's name."""
    return {port.device.name: (port.name.name, port.naming) for port in ports(on=board.machine)}


def test_an_adapter_with_a_serial_number_is_named_by_it(board: Board) -> None:
    board.plug("ttyUSB0", FTDI, "1-1", by_id="usb-FTDI_A5069RR4", by_path="pci-1")

    (port,) = ports(on=board.machine)

    assert (port.name.name, port.naming) == ("usb-FTDI_A5069RR4", Naming.BY_ID)
    assert (port.adapter, port.driver, port.latency) == (FTDI, "usb_serial", 16)
    assert stable_name(port.device, board.machine) == port.name


def test_two_adapters_of_one_id_are_told_apart_by_their_sockets(board: Board) -> None:
    board.plug("ttyUSB0", CH340, "1-1", by_id="usb-1a86", by_path="pci-1")
    board.plug("ttyUSB1", CH340, "1-2", by_id="usb-1a86", by_path="pci-2")

    assert names(board) == {
        "ttyUSB0": ("pci-1", Naming.SAME_ID),
        "ttyUSB1": ("pci-2", Naming.SAME_ID),
    }


def test_the_ports_of_one_adapter_are_no_twins(board: Board) -> None:
    board.plug("ttyUSB0", FTDI, "1-1", by_id="usb-FTDI-port0", by_path="pci-1-0")
    second = board.machine.sys / "devices" / "1-1" / "1-1:1.1" / "ttyUSB1"
    second.mkdir(parents=True)
    board._node("ttyUSB1", second, {"by_id": "usb-FTDI-port1", "by_path": "pci-1-1"})

    assert names(board) == {
        "ttyUSB0": ("usb-FTDI-port0", Naming.BY_ID),
        "ttyUSB1": ("usb-FTDI-port1", Naming.BY_ID),
    }


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({"by_id": "usb-1a86", "by_path": "pci-1"}, ("usb-1a86", Naming.NO_SERIAL)),
        ({"by_path": "pci-1"}, ("pci-1", Naming.BY_PATH)),
        ({}, ("ttyUSB0", Naming.NUMBERED)),
    ],
)
def test_a_name_is_as_good_as_udev_has_one(
    board: Board, links: dict[str, str], expected: tuple[str, Naming]
) -> None:
    board.plug("ttyUSB0", CH340, "1-1", **links)

    assert names(board) == {"ttyUSB0": expected}


def test_a_port_of_the_board_keeps_its_name_and_tells_its_chips_driver(board: Board) -> None:
    board.solder("ttyAMA0", uart="32")
    board.solder("ttyS1", uart="0")

    (port,) = ports(on=board.machine)

    assert (port.device.name, port.naming, port.driver) == ("ttyAMA0", Naming.FIXED, "uart-pl011")


def test_ports_come_in_the_order_of_their_numbers(board: Board) -> None:
    for number in (10, 2):
        board.plug(f"ttyUSB{number}", FTDI, f"1-{number}")

    assert list(names(board)) == ["ttyUSB2", "ttyUSB10"]


def test_a_port_that_only_the_configuration_names_is_shown_too(board: Board) -> None:
    device = board.plug("ttyUSB0", FTDI, "1-1", by_id="usb-FTDI")
    link = board.machine.dev / "serial" / "by-id" / "usb-FTDI"
    gone = board.machine.dev / "ttyUSB7"

    first, second = ports([("rs485", link), ("old", gone)], board.machine)

    assert (first.device, first.buses) == (device, ("rs485",))
    assert (second.device, second.exists, second.buses) == (gone, False, ("old",))


def test_who_holds_a_port_is_told_by_process(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.write_text("")
    link = tmp_path / "link"
    link.symlink_to(port)
    holding = f"import sys; held = open({str(port)!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        (found,) = holders(link).known
        process.communicate()

    assert (found.pid, found.is_agent) == (process.pid, False)
    assert found.program.startswith("python")


def process(proc: Path, pid: int, port: Path, command: bytes) -> Path:
    """A process as /proc shows it."""
    (proc / str(pid) / "fd").mkdir(parents=True)
    (proc / str(pid) / "fd" / "3").symlink_to(port)
    (proc / str(pid) / "cmdline").write_bytes(command)
    (proc / str(pid) / "comm").write_text("python3\n")
    return proc / str(pid)


def test_the_running_agent_is_recognised(tmp_path: Path) -> None:
    process(tmp_path / "proc", 812, tmp_path / "tty", b"/usr/bin/python3\0-m\0edge_agent\0a.yaml")

    found = holders(tmp_path / "tty", tmp_path / "proc")

    assert found == Holders((Holder(812, "python3", is_agent=True),), hidden=0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every process")
def test_a_process_that_may_not_be_looked_into_is_counted(tmp_path: Path) -> None:
    seen = process(tmp_path / "proc", 812, tmp_path / "tty", b"")
    (seen / "fd").chmod(0)

    assert holders(tmp_path / "tty", tmp_path / "proc") == Holders((), hidden=1)


LONG = Path("/dev/serial/by-id") / f"usb-Silicon_Labs_CP2102N_{'0123456789abcdef' * 4}-if00-port0"


def port(**changes: object) -> Port:
    """A port with everything wrong that can be."""
    fields: dict[str, object] = {
        "device": Path("/dev/ttyUSB0"),
        "name": LONG,
        "naming": Naming.BY_ID,
        "driver": "ftdi_sio",
        "adapter": Adapter("Future Technology Devices International", "x" * 40, "1", "0403:6001"),
        "latency": 16,
        "exists": True,
        "permitted": False,
        "group": "dialout",
        "held_by": Holders((Holder(812, "python3", is_agent=True),), 0),
        "buses": ("rs485", *(f"a-rather-long-bus-id-{n}" for n in range(5))),
    }
    return Port(**fields | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("naming", BECAUSE)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"group": ""},
        {"exists": False},
        {"held_by": Holders((), hidden=212)},
        {"held_by": Holders((), hidden=0), "permitted": True, "latency": 1, "buses": ()},
    ],
)
def test_it_fits_80_columns_and_cuts_no_name(
    lang: Lang, naming: Naming, changes: dict[str, object]
) -> None:
    lines = "\n".join(_lines(port(naming=naming, **changes), lang)).splitlines()

    assert all(len(line) <= COLUMNS or len(line.split()) == 1 for line in lines)
    assert str(LONG) in " ".join(lines).split()


def test_what_is_wrong_comes_with_the_command_that_mends_it() -> None:
    text = " ".join("\n".join(_lines(port(), Lang.EN)).split())

    assert "sudo usermod -aG dialout" in text
    assert "echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer" in text
    assert "python3 (pid 812), the agent: stop it" in text


def test_the_agent_advises_the_name_that_stays_and_a_fast_adapter(board: Board) -> None:
    port = board.plug("ttyUSB0", FTDI, "1-1", by_id="usb-FTDI_A5069RR4")
    stable = board.machine.dev / "serial" / "by-id" / "usb-FTDI_A5069RR4"

    said = {str(each) for each in better(port, Lang.EN, board.machine)}
    of_stable = {each.do for each in better(stable, Lang.EN, board.machine)}

    faster = "echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer"
    assert said == {
        f"it holds bytes back for 16 ms, which slows polling: {faster}",
        f"its name may change when things are plugged in anew: write `port: {stable}`",
    }
    assert of_stable == {faster}


def test_a_port_of_the_board_needs_no_advice(board: Board) -> None:
    port = board.solder("ttyAMA0", "3")

    assert not list(better(port, Lang.EN, board.machine))


def test_a_text_stands_beside_its_label_and_a_label_alone() -> None:
    assert labelled("", "word") == " " * 16 + "word"
    assert labelled("/dev/ttyS0", "", width=0) == "/dev/ttyS0"


@pytest.fixture
def pty_port(tmp_path: Path) -> Iterator[Path]:
    ours, theirs = os.openpty()
    link = tmp_path / "simulated"
    link.symlink_to(os.ttyname(theirs))
    yield link
    os.close(ours)
    os.close(theirs)


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def config(directory: Path, port: Path) -> Path:
    path = directory / "agent.yaml"
    path.write_text(
        f"agent: {{id: gw-1}}\nbuses: [{{id: rs485, transport: modbus-rtu, port: {port}}}]\n"
    )
    return path


def test_the_command_shows_the_configured_ports(tmp_path: Path, pty_port: Path) -> None:
    code, shown = run("ports", "-c", config(tmp_path, pty_port), "--json", "--lang", "en")

    assert code == 0, shown
    found = {entry["device"]: entry for entry in json.loads(shown)}
    assert found[str(pty_port)]["buses"] == ["rs485"]
    assert stat.S_ISCHR(pty_port.stat().st_mode)


def test_the_command_fails_for_a_configured_port_that_is_not_there(tmp_path: Path) -> None:
    code, shown = run("ports", "-c", config(tmp_path, tmp_path / "gone"), "--lang", "vi")

    assert code == 1
    assert "không có cổng này" in shown


def test_a_wrong_configuration_that_was_named_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("agent: {id: GW}\n")

    code, shown = run("ports", "-c", path)

    assert code == 2
    assert "agent.yaml:1: agent.id" in shown
