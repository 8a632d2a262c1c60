"""A demonstration that cannot start says why in a line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.town import CannotStart, make_room

ROOT = Path(__file__).parents[1]


def started(seconds: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=os.environ | {"DEMO_SECONDS": seconds, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("seconds", ["soon", "4", "1e3", "-30"])
def test_a_time_that_is_none_or_too_short_to_show_anything(seconds: str) -> None:
    done = started(seconds)

    assert done.returncode == 1
    assert f"DEMO_SECONDS={seconds} should be a whole number, at least 10" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the directory should be")

    with pytest.raises(CannotStart, match="Not a directory; whose is it"):
        make_room(tmp_path / "var/demo/agent")
