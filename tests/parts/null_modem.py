"""Two serial ports, each of which hears what is written to the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def null_modem() -> Iterator[tuple[Path, Path]]:
    """The ports; the running event loop carries the bytes."""
    (far_a, near_a), (far_b, near_b) = os.openpty(), os.openpty()
    loop = asyncio.get_running_loop()
    for near in (near_a, near_b):
        tty.setraw(near)
    loop.add_reader(far_a, lambda: os.write(far_b, os.read(far_a, 4096)))
    loop.add_reader(far_b, lambda: os.write(far_a, os.read(far_b, 4096)))
    try:
        yield Path(os.ttyname(near_a)), Path(os.ttyname(near_b))
    finally:
        for far in (far_a, far_b):
            loop.remove_reader(far)
        for end in (far_a, near_a, far_b, near_b):
            os.close(end)
