"""A mosquitto of one's own: anonymous, on loopback, keeping nothing unless asked."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parts.processes import free_port, require_program, running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Mosquitto:
    """A broker that can be killed and started again on its port."""

    directory: Path
    extra: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again)."""
        config = self.directory / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n{self.extra}\n"
        )
        self._stack = contextlib.ExitStack()
        command = [require_program("mosquitto"), "-c", str(config)]
        log = self.directory / "mosquitto.log"
        self.process = self._stack.enter_context(running(command, port=self.port, log=log))

    def kill(self) -> None:
        """End it as a crash would, by SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None:
            self._stack.close()


@contextlib.contextmanager
def mosquitto(directory: Path, extra: str = "") -> Iterator[Mosquitto]:
    """A running mosquitto with `extra` lines of configuration."""
    broker = Mosquitto(directory, extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
