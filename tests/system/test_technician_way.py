"""Promise: the commands of docs/first-site.md lead from nothing to a signed-off gateway.

They are typed as they stand there, at real processes: simulated devices, a collector, an agent;
and the wizard once at a terminal, for those who do not know the flags.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from edge_agent.site import site as sites
from parts.processes import free_port
from parts.program import WITHIN
from parts.typist import typing_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
ENGLISH = {"LC_ALL": "C.UTF-8", "COLUMNS": "80"}

DEVICES = (
    "id=meter-1 bus=rs485 unit=1 profile=eastron-sdm120 interval=2s",
    "id=meter-2 bus=rs485 unit=2 profile=pzem-016 interval=2s",
    "id=air-1 bus=cabinet unit=43 profile=seeed-sensecap-one interval=2s label='Market hall'",
)


@dataclass
class Bench:
    """A folder, the port of the simulated weather station in it, and terminals left running."""

    folder: Path
    port: int = field(default_factory=free_port)
    left: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def runs(self, line: str, *, code: int = 0) -> str:
        """What a command prints; fails if it ends with another code."""
        done = subprocess.run(
            self._words(line),
            cwd=self.folder,
            env=os.environ | ENGLISH,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert done.returncode == code, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def leaves_running(self, line: str, *, until: str) -> None:
        """Start it in a terminal of its own, and wait until it says so."""
        name = f"terminal-{len(self.left)}.log"
        with (self.folder / name).open("wb") as log:
            process = subprocess.Popen(
                self._words(line),
                cwd=self.folder,
                env=os.environ | ENGLISH,
                stdout=log,
                stderr=log,
            )
        self.left.append(process)
        wait_for(lambda: until in (self.folder / name).read_text(), f"{until!r} of {line}")

    def _words(self, line: str) -> list[str]:
        program, *words = shlex.split(line)
        return [str(PROGRAMS / program), *words]

    def changes(self, name: str, old: str, new: str) -> None:
        """Edit a file, as one does whose ports are taken."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def stop(self) -> None:
        """Ctrl-C in each terminal, the last one first."""
        for process in reversed(self.left):
            process.terminate()
            process.wait(WITHIN)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"no {what}")
        time.sleep(0.05)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The shipped scenario at work, on a free port."""
    made = Bench(tmp_path)
    text = (ROOT / "demo/three-devices.yaml").read_text()
    (tmp_path / "three-devices.yaml").write_text(text.replace("15021", str(made.port)))
    try:
        made.leaves_running("edge-agent simulate three-devices.yaml", until="bus cabinet")
        yield made
    finally:
        made.stop()


def test_the_commands_lead_to_an_accepted_gateway(bench: Bench) -> None:
    broker, api = free_port(), free_port()

    bench.runs("collector init")
    bench.changes("collector.yaml", "127.0.0.1:1883", f"127.0.0.1:{broker}")
    bench.changes("collector.yaml", "127.0.0.1:8420", f"127.0.0.1:{api}")
    assert "FAIL" not in bench.runs("collector check")
    bench.leaves_running("collector run", until="connected")
    bench.runs("collector agents add gw-1")
    token = bench.runs("collector tokens add technician --role viewer")
    (bench.folder / "viewer.token").touch(mode=0o600)
    (bench.folder / "viewer.token").write_text(token)

    scanned = bench.runs("edge-agent scan ./ttyRS485 --baud 9600 --parity N --units 1-3")
    assert "unit 1, 9600 8N1: eastron-sdm120 (certain)" in scanned
    assert "unit 2, 9600 8N1: pzem-016 (likely)" in scanned
    assert "or eastron" not in scanned
    assert "unit 43: seeed-sensecap-one" in bench.runs(f"edge-agent scan 127.0.0.1:{bench.port}")

    devices = " ".join(f"--device {shlex.quote(words)}" for words in DEVICES)
    told = bench.runs(
        "edge-agent init --non-interactive --id gw-1 --site market-hall --data-dir agent-data "
        '--bus "id=rs485 port=ttyRS485 baud=9600" '
        f'--bus "id=cabinet host=127.0.0.1 port={bench.port}" {devices}'
    )
    assert "install -d agent-data" in told
    (bench.folder / "agent-data").mkdir()
    bench.runs("edge-agent enroll gw-1.enroll.yaml")
    assert "failed: 0;" in bench.runs("edge-agent check")
    assert "ttyRS485" in bench.runs("edge-agent ports", code=0)
    again = bench.runs("edge-agent scan rs485 --baud 9600 --parity N --units 1-2")
    assert "all of them are in agent.yaml" in again
    assert "bus rs485" in bench.runs("edge-agent plan")
    assert re.search(r"current +3\.2 +A", bench.runs("edge-agent read meter-1"))

    shown = bench.runs(
        "edge-agent test --technician 'Tran Van An' --expect meter-1.current=3.2+-1% "
        f"--collector http://127.0.0.1:{api} --token-file viewer.token "
        "--sheet acceptance.html --sheet acceptance.json"
    )

    assert "ACCEPTED: 34 of 34 channels proven" in shown
    assert_accepted(bench.folder)
    bench.leaves_running("edge-agent run", until="connected to broker")
    wait_for(lambda: "broker      connected" in status(bench), "connection of the agent")
    assert "gw-1" in bench.runs("collector query")
    bench.runs("edge-agent diag -o diag.tar.gz")
    assert max(map(len, (*told.splitlines(), *scanned.splitlines(), *shown.splitlines()))) <= 80


def status(bench: Bench) -> str:
    """What `edge-agent status` shows, once the agent has told its state."""
    wait_for((bench.folder / "agent-data/status.json").exists, "status of the agent")
    return bench.runs("edge-agent status")


def assert_accepted(folder: Path) -> None:
    sheet = json.loads((folder / "acceptance.json").read_text())
    assert (sheet["technician"], sheet["accepted"]) == ("Tran Van An", True)
    page = (folder / "acceptance.html").read_text()
    assert "Acceptance sheet" in page
    assert "29.5</td><td>°C" in page


def test_the_wizard_asks_for_all_that_and_scans(bench: Bench) -> None:
    init = [PROGRAMS / "edge-agent", "init", "--data-dir", "agent-data"]

    with typing_into(init, bench.folder, ENGLISH) as technician:
        technician.answers("Id of this gateway", "gw-1")
        technician.answers("Id of its site", "market-hall")
        technician.answers("Host of the broker", "")
        technician.answers("Bus:", "./ttyRS485")
        technician.answers("Scan it now", "n")
        technician.answers("Speed", "")
        technician.answers("Parity", "")
        technician.answers("Bus:", f"127.0.0.1:{bench.port}")
        technician.answers("Scan it now", "")
        technician.sees("unit 43: seeed-sensecap-one (likely)")
        technician.answers("Id of the seeed-sensecap-one at 43", "air-1")
        technician.answers("Where it is", "Market hall")
        technician.answers("Bus:", "")
        technician.answers("Id of one more device", "meter-1")
        technician.answers("Its profile", "sdm120")
        technician.answers("Its profile", "eastron-sdm120")
        technician.answers("Its bus (rs485, cabinet)", "rs485")
        technician.answers("Its Modbus address", "")
        technician.answers("Where it is", "")
        technician.answers("Id of one more device", "")
        technician.answers("Write agent.yaml?", "")
        technician.sees("edge-agent enroll gw-1.enroll.yaml")
        assert technician.ends() == 0

    config = sites.load(bench.folder / "agent.yaml").config
    devices = {device.id: (device.bus, device.unit, device.label) for device in config.devices}
    assert devices == {"air-1": ("cabinet", 43, "Market hall"), "meter-1": ("rs485", 1, "")}
    assert yaml.safe_load((bench.folder / "agent.yaml").read_text())["agent"]["site"]
