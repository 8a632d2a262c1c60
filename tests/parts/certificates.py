"""A certificate authority of one's own, by openssl."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from parts.processes import require_program

if TYPE_CHECKING:
    from pathlib import Path


def make_authority(directory: Path) -> None:
    """Make `ca.crt` and `ca.key` in `directory`."""
    made = "-keyout ca.key -out ca.crt"
    _openssl(directory, f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority {made}")


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate for `name` and its key, signed by the authority in `directory`."""
    key, request, made = (directory / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
    (directory / "extension").write_text(f"subjectAltName=DNS:{name}\n")
    _openssl(
        directory, f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {key} -out {request}"
    )
    signing = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extension"
    _openssl(directory, f"x509 -req -in {request} {signing} -out {made}")
    return made, key


def _openssl(directory: Path, arguments: str) -> None:
    program = require_program("openssl")
    subprocess.run([program, *arguments.split()], cwd=directory, check=True, capture_output=True)
