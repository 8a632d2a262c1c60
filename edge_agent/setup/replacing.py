"""Replacing a file that people wrote: as a whole or not at all, for the same owner and group."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_like(config: Path, path: Path, text: str) -> None:
    """Write a file whole, for the owner and group of the configuration, and nobody else.

    Raises:
        OSError: if that fails; the file is as it was then.
    """
    like = config.stat()
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchown(file.fileno(), like.st_uid, like.st_gid)
        os.fchmod(file.fileno(), 0o640)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
