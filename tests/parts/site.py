"""A site of one's own: simulated devices on TCP and on a pty, and an agent; real processes."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from parts.program import WITHIN, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from parts.collector import CollectorProcess

PROGRAM = Path(sys.executable).with_name("edge-agent")
WATER = {"id": "water-1", "unit": 2, "profile": "water-main-flow"}
SIGNAL = {"id": "signal-1", "unit": 3, "profile": "traffic-signal-plc"}
METER = {"id": "meter-1", "unit": 11, "profile": "eastron-sdm120"}
SAYS: dict[str, dict[str, Any]] = {
    "water-1": {"flow": 100.59, "pressure": 4.2, "volume": {"kind": "total", "of": "flow"}},
    "signal-1": {
        "mode": "coordinated",
        "red_lamp_failed": True,
        "heartbeat": {"kind": "total", "of": 1, "factor": 10, "wrap": 65535},
    },
    "meter-1": {"voltage": 230.5, "energy_total": 4821.5},
}
"""What the simulated devices say; the totals change with each poll."""


@dataclass(frozen=True)
class Street:
    """Simulated devices: two behind a TCP port, one on a serial line."""

    port: int
    line: Path

    @property
    def buses(self) -> list[dict[str, Any]]:
        """As an agent's configuration names them."""
        return [
            {"id": "street", "transport": "modbus-tcp", "host": "127.0.0.1", "port": self.port},
            {"id": "cabinet", "transport": "modbus-rtu", "port": str(self.line), "baud": 115200},
        ]

    @property
    def devices(self) -> list[dict[str, Any]]:
        """As an agent's configuration names them."""
        return [
            WATER | {"bus": "street", "interval": "200ms"},
            SIGNAL | {"bus": "street", "interval": "300ms"},
            METER | {"bus": "cabinet", "interval": "500ms"},
        ]


@contextlib.contextmanager
def simulated_street(
    directory: Path, faults: dict[str, dict[str, Any]] | None = None
) -> Iterator[Street]:
    """The devices, answering; `faults` by device, as a scenario states them."""

    def said(device: dict[str, Any]) -> dict[str, Any]:
        name = device["id"]
        return device | {"channels": SAYS[name], "faults": (faults or {}).get(name, {})}

    line = directory / "ttyRS485"
    buses: list[dict[str, Any]] = [
        {"id": "street", "kind": "tcp", "port": 0, "devices": [said(WATER), said(SIGNAL)]},
        {"id": "cabinet", "kind": "rtu", "link": str(line), "devices": [said(METER)]},
    ]
    with simulated(directory, buses) as ready:
        yield Street(int(_found(r"tcp 127\.0\.0\.1:(\d+)", ready[0])), line)


@contextlib.contextmanager
def simulated(directory: Path, buses: list[dict[str, Any]], **more: object) -> Iterator[list[str]]:
    """Buses of a scenario, answering; gives what the simulator says of each."""
    scenario = directory / "scenario.yaml"
    scenario.write_text(yaml.safe_dump({"schema": "simulation/1", "buses": buses} | more))
    with subprocess.Popen(
        [PROGRAM, "simulate", scenario], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield [process.stdout.readline() for _ in buses]
        finally:
            process.terminate()


@dataclass
class AgentProcess(Program):
    """An agent in `directory`, with what `config` says, that can be killed and started again."""

    directory: Path
    config: InitVar[dict[str, Any]]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self, config: dict[str, Any]) -> None:
        common = {
            "agent": {"id": "gw-1", "site": "market-hall"},
            "data_dir": str(self.directory),
            "clock": {"source": "trusted"},
            "vitals": {"interval": "1s"},
            "status": {"interval": "200ms"},
            "outbox": {"linger": "100ms"},
        }
        self.config_file.write_text(yaml.safe_dump(common | config, sort_keys=False))

    @property
    def config_file(self) -> Path:
        """Its configuration file."""
        return self.directory / "agent.yaml"

    def status(self) -> dict[str, Any]:
        """Its state, as last written."""
        state: dict[str, Any] = json.loads((self.directory / "status.json").read_text())
        return state

    def device(self, name: str) -> dict[str, Any]:
        """A device in its state."""
        return next(device for device in self.status()["devices"] if device["id"] == name)

    @property
    def outbox(self) -> Path:
        """Its outbox file."""
        return self.directory / "outbox.db"

    def change(self, **parts: object) -> None:
        """Say other things in its configuration, from its next start on."""
        config = yaml.safe_load(self.config_file.read_text())
        self.config_file.write_text(yaml.safe_dump(config | parts, sort_keys=False))

    def enrol(self, centre: CollectorProcess) -> None:
        """Have it send to a collector, as `agents add` and `enroll` make it."""
        centre.enrol("gw-1")
        done = self.ask("enroll", str(centre.directory / "gw-1.enroll.yaml"))
        assert done.returncode == 0, done.stderr
        uplink = yaml.safe_load(self.config_file.read_text())["uplink"]
        self.change(uplink=uplink | {"reconnect_max": "1s"})

    def start(self) -> None:
        """Start it (again), and wait until it runs."""
        with (self.directory / "agent.log").open("ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                [PROGRAM, "run", "--config", self.config_file], stdout=log, stderr=log
            )
        self.until(lambda: "agent gw-1: version" in self.log()[before:], "running agent")

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an `edge-agent` command on this configuration."""
        return subprocess.run(
            [PROGRAM, *words, "--config", self.config_file],
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def samples_kept(self) -> int:
        """Samples in the outbox."""
        with contextlib.closing(sqlite3.connect(self.outbox)) as db:
            return int(db.execute("SELECT coalesce(sum(samples), 0) FROM batches").fetchone()[0])

    @property
    def log_file(self) -> Path:
        """Where it logs."""
        return self.directory / "agent.log"

    def drain(self) -> None:
        """Have it read no more, and deliver all that its outbox holds."""
        assert self.stop() == 0, self.log()
        self.change(buses=[], devices=[], vitals={"interval": 0})
        self.start()
        self.until(lambda: self.samples_kept() == 0, "empty outbox")
        assert self.stop() == 0, self.log()

    def holds(self, condition: Callable[[], bool]) -> bool:
        """Whether it is so now; not while the file cannot be read."""
        try:
            return condition()
        except (sqlite3.OperationalError, FileNotFoundError):  # not made yet
            return False


@contextlib.contextmanager
def agent(directory: Path, config: dict[str, Any]) -> Iterator[AgentProcess]:
    """An agent that does not run yet, and is killed afterwards if it still runs."""
    made = AgentProcess(directory, config)
    try:
        yield made
    finally:
        if made.process is not None:
            made.kill()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]
