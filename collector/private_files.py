"""Files that only their owner may read: written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET_BYTES = 32
"""Of randomness in a generated secret: 256 bits cannot be guessed, so a fast hash protects it."""


class Damaged(ValueError):
    """What stands in a file is not what was written to it."""


def make_directory(path: Path) -> None:
    """`path` as a directory for its owner alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


@contextlib.contextmanager
def alone_in(path: Path) -> Iterator[None]:
    """Wait for, and be, the only one who changes files in the directory `path`.

    Who reads a file, changes it and writes it back would otherwise undo another's change.
    """
    make_directory(path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:  # noqa: ANN401 - a JSON document
    """The document in `path`, or None if there is no such file.

    Raises:
        Damaged: if it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Damaged(f"{path} is damaged: {error}") from error


def write(path: Path, text: str) -> None:
    """Replace `path` by `text` (mode 0600); a crash leaves the old file or the new one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(
        draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def generate_secret() -> str:
    """A new secret, fit for a URL, a header or a YAML scalar."""
    return secrets.token_urlsafe(SECRET_BYTES)


def find_or_make_secret(path: Path) -> str:
    """The secret in `path`, made now if there is none."""
    if not path.exists():
        write(path, generate_secret() + "\n")
    return path.read_text(encoding="utf-8").strip()
