"""One of our programs as a process of a test: awaited, killed as a crash would, or asked to end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

WITHIN = 60.0
"""Seconds for what must happen; generous, because machines are shared."""


class Program:
    """What a collector and an agent have in common; `log_file` is where the process writes."""

    process: subprocess.Popen[bytes] | None

    @property
    def log_file(self) -> Path:
        """Where it logs."""
        raise NotImplementedError

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that must happen while it runs; fail with the log if it does not."""
        deadline = time.monotonic() + WITHIN
        while not self.holds(condition):
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                pytest.fail(f"no {what}:\n{self.log()[-3000:]}")
            time.sleep(0.02)

    def holds(self, condition: Callable[[], bool]) -> bool:
        """Whether it is so now."""
        return condition()

    def log(self) -> str:
        """What it has logged."""
        return self.log_file.read_text()

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(WITHIN)
