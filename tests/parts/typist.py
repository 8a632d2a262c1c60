"""Somebody at a terminal: a program on a pty, what it shows, and what is typed into it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from parts.program import WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves the cursor and clears lines (ECMA-48)."""


@dataclass
class Typist:
    """A program that runs on a pty of 80 columns; `shown` is all that it wrote."""

    process: subprocess.Popen[bytes]
    ours: int
    shown: str = ""
    seen: int = 0

    def sees(self, text: str) -> None:
        """Wait until it is shown, behind what was seen before."""
        deadline = time.monotonic() + WITHIN
        while (at := self.shown.find(text, self.seen)) < 0:
            if time.monotonic() > deadline or not self._read(1.0):
                pytest.fail(f"no {text!r} was shown:\n{self.shown}")
        self.seen = at + len(text)

    def types(self, line: str) -> None:
        """Type it, and press Enter."""
        os.write(self.ours, f"{line}\n".encode())

    def answers(self, question: str, line: str) -> None:
        """Type a line once the question is there."""
        self.sees(question)
        self.types(line)

    def ends(self) -> int:
        """Its exit code."""
        while self._read(WITHIN):
            pass
        return self.process.wait(WITHIN)

    def _read(self, seconds: float) -> bool:
        """Take what is shown; False once the program has left the terminal."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.ours, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.shown += CONTROL.sub("", data.decode(errors="replace"))
        return bool(data)


@contextlib.contextmanager
def typing_into(
    command: Sequence[object], directory: Path, env: Mapping[str, str]
) -> Iterator[Typist]:
    """The command on a pty, ended afterwards."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=directory,
        env=os.environ | env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Typist(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
