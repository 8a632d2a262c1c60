"""A collector of one's own: a real process with its embedded broker, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from parts.processes import free_port
from parts.program import WITHIN, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("collector")
NO_RULES = "schema: alarm-rules/1\nrules: []\n"


@dataclass
class CollectorProcess(Program):
    """A collector in `directory` that can be killed and started again on its ports."""

    directory: Path
    rules: str = NO_RULES
    mqtt_port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)
    tls: dict[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        (self.directory / "rules.yaml").write_text(self.rules)
        config = {
            "data_dir": str(self.data_dir),
            "broker": {
                "embedded": {"listen": f"127.0.0.1:{self.mqtt_port}"}
                | ({"advertise": "localhost", "tls": self.tls} if self.tls else {})
            },
            "api": {"listen": f"127.0.0.1:{self.api_port}"},
            "rules": str(self.directory / "rules.yaml"),
        }
        self.config.write_text(yaml.safe_dump(config))

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.directory / "collector.yaml"

    @property
    def data_dir(self) -> Path:
        """Where it keeps its data."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def broker_pid(self) -> int:
        """The embedded broker's process id."""
        return int((self.data_dir / "broker" / "nats-server.pid").read_text())

    def change(self, **parts: object) -> None:
        """Say other things in its configuration, from its next start on."""
        config = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump(config | parts))

    def start(self, env: dict[str, str] | None = None) -> None:
        """Start it (again), and wait until it is healthy."""
        with (self.directory / "collector.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "run", "--config", self.config],
                stderr=log,
                env=os.environ | (env or {}),
            )
        self.until(lambda: self.health() == 200, "a healthy collector")

    def health(self) -> int | None:
        """The status of /healthz, or None if nobody answers."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code
        except httpx.TransportError:
            return None

    def get(self, path: str, **parameters: Any) -> Any:  # noqa: ANN401 - a JSON document
        """The document that its API answers."""
        return self._ask_api(path, parameters).json()

    def text(self, path: str) -> str:
        """The text that its API answers."""
        return self._ask_api(path, {}).text

    def _ask_api(self, path: str, parameters: dict[str, Any]) -> httpx.Response:
        token = (self.data_dir / "local.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(self.url + path, params=parameters, headers=headers, timeout=30)
        return answer.raise_for_status()

    def ask(self, *words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
        """Run a `collector` command on this configuration."""
        return subprocess.run(
            [PROGRAM, *words],
            env=os.environ | {"COLLECTOR_CONFIG": str(self.config), "LC_ALL": lang, "TZ": "UTC"},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def enrol(self, agent: str) -> str:
        """Add an agent; its password."""
        done = self.ask("agents", "add", agent)
        assert done.returncode == 0, done.stderr
        bundle = yaml.safe_load((self.directory / f"{agent}.enroll.yaml").read_text())
        return str(bundle["password"])

    @property
    def log_file(self) -> Path:
        """Where it logs."""
        return self.directory / "collector.log"


@contextlib.contextmanager
def collector(
    directory: Path, rules: str = NO_RULES, **config: object
) -> Iterator[CollectorProcess]:
    """A running collector with an empty data directory; `config` is said beside the usual."""
    made = CollectorProcess(directory, rules)
    made.change(**config)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()


def receipts(payloads: list[tuple[str, bytes]]) -> list[tuple[int, str]]:
    """(seq, outcome) of every receipt in messages that were heard."""
    return [
        (entry[0], entry[2]) for _, payload in payloads for entry in json.loads(payload)["receipts"]
    ]
