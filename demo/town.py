"""The processes of the demonstration: they are started, the broker is cut, and all are ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from collector.api.tokens import Tokens
from collector.broker.running import find
from collector.config import load
from collector.stores.sqlite_schema import measurements, open_reader
from demo.tally import Key, Tally, account
from telemetry.envelope import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path("var/demo")
AGENT = "demo-gateway"
PORTS = {15020: "simulated devices", 18420: "the API", 18830: "the broker"}
PROGRAMS = Path(sys.executable).parent
STOP_WITHIN = 20.0
"""Seconds that a process may take to end."""


class CannotStart(Exception):
    """The demonstration cannot begin; the message says why."""


class Town:
    """The running demonstration."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        settings = load(Path("demo/collector.yaml"))
        self.api = f"http://{settings.api.listen}"
        self._broker_dir = settings.broker_dir
        self._samples = settings.data_dir / "samples.db"
        self._client: httpx.Client | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Everything is started; everything is ended afterwards."""
        _prepare()
        try:
            self._start("devices", "edge-agent", "simulate", "demo/scenario.yaml")
            self._start("collector", "collector", "run", "--config", "demo/collector.yaml")
            _call("edge-agent", "check", "--offline", "--config", "var/demo/agent.yaml")
            self._start("agent", "edge-agent", "run", "--config", "var/demo/agent.yaml")
            yield
        finally:
            for name in ("agent", "collector", "devices"):
                self._stop(name)

    def dead(self) -> str | None:
        """The first part that has ended by itself, with the end of its log."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = (HERE / f"{name}.log").read_text(encoding="utf-8").splitlines()
                return "\n".join([f"the {name} ended with {process.returncode}:", *log[-8:]])
        return None

    def broker_pid(self) -> int | None:
        """The process of the collector's broker."""
        return find(self._broker_dir)

    def freeze_broker(self) -> bool:
        """Stop the broker as a hung machine would: connections stand, nothing moves."""
        return self._signal_broker(signal.SIGSTOP)

    def kill_broker(self) -> bool:
        """End the broker as a crash would."""
        return self._signal_broker(signal.SIGKILL)

    def stop_agent(self) -> None:
        """Ask the agent to end; what it has read is in its outbox then."""
        self._stop("agent")

    def agent_status(self) -> dict[str, Any]:
        """What the agent last said of itself; empty before it has."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((HERE / "agent/status.json").read_text(encoding="utf-8")))
        return {}

    def ask(self, path: str) -> Any:  # noqa: ANN401 - a JSON document
        """The collector's answer, or None while it does not answer."""
        with contextlib.suppress(httpx.TransportError, FileNotFoundError):
            response = self._session().get(path)
            return response.json() if response.is_success else None
        return None

    def rows_stored(self) -> int:
        """How many rows the store's file has, read beside the collector."""
        return sum(count for (count,) in self._read_store("SELECT count(*) FROM {}"))

    def account(self) -> Tally:
        """What became of every sample; for the end, when nothing is on its way."""
        journal = self.ask("/v1/alarms/journal?limit=1000") or {"transitions": []}
        kinds = [transition["kind"] for transition in journal["transitions"]]
        return account(
            read=self.agent_status().get("samples_read", 0),
            rows=self._read_store("SELECT device, _at FROM {} JOIN _series ON id = _series"),
            kept=_kept(HERE / "agent/outbox.db"),
            raised=kinds.count("raised"),
            cleared=kinds.count("returned"),
        )

    def _read_store(self, statement: str) -> list[Any]:
        """What a statement finds, measurement by measurement; nothing while there is no store."""
        try:
            reader = open_reader(self._samples)
        except sqlite3.Error:
            return []
        with contextlib.closing(reader):
            tables = [f'"{name}"' for name in measurements(reader)]
            return [row for table in tables for row in reader.execute(statement.format(table))]

    def _session(self) -> httpx.Client:
        if self._client is None:
            token = Tokens(HERE / "collector").local()
            headers = {"Authorization": f"Bearer {token}"}
            self._client = httpx.Client(base_url=self.api, headers=headers, timeout=2)
        return self._client

    def _signal_broker(self, number: signal.Signals) -> bool:
        pid = self.broker_pid()
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False

    def _start(self, name: str, program: str, *arguments: str) -> None:
        with (HERE / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own programs
                [PROGRAMS / program, *arguments], stdout=log, stderr=log
            )

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prepare() -> None:
    for port, use in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise CannotStart(f"port {port} ({use}) is in use: {error.strerror}") from error
    make_room(HERE / "agent")
    bundle = HERE / f"{AGENT}.enroll.yaml"
    _call(
        "collector", "agents", "add", AGENT, "--config", "demo/collector.yaml", "--output", bundle
    )
    shutil.copy("demo/agent.yaml", HERE / "agent.yaml")
    _call("edge-agent", "enroll", bundle, "--config", HERE / "agent.yaml")


def make_room(directory: Path) -> None:
    """An empty directory in an empty one, whatever an earlier run left there.

    Raises:
        CannotStart: if that may not be.
    """
    shutil.rmtree(directory.parent, ignore_errors=True)
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise CannotStart(f"{error.filename}: {error.strerror}; whose is it?") from error


def _call(program: str, *arguments: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own programs
        [PROGRAMS / program, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = " ".join(str(argument) for argument in arguments)
        raise CannotStart(f"{program} {words}\n{done.stdout}{done.stderr}")


def _kept(outbox: Path) -> set[Key]:
    """The samples in an outbox that no agent has open."""
    with contextlib.closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)) as reader:
        payloads = [payload for (payload,) in reader.execute("SELECT payload FROM batches")]
    return {(s.device, s.at) for payload in payloads for s in unpack(payload).samples}


def now() -> float:
    """Seconds of the monotonic clock."""
    return time.monotonic()
