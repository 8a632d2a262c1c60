"""A program without its libraries says which extra brings them, and shows no traceback."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from telemetry import extras

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.argv = [{program!r}, *{words!r}]
from {module} import app
app()
"""
"""A program's script, on a machine where one library is not installed."""


def started(
    module: str, program: str, library: str, lang: str, words: Sequence[str] = ("--help",)
) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(module=module, program=program, library=library, words=words)
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"LC_ALL": lang, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SIDES = [
    ("edge_agent.cli", "edge-agent", "agent", ["aiomqtt", "pymodbus", "serial"]),
    ("collector.cli", "collector", "collector", ["httpx"]),
    ("firmware_bridge.cli", "firmware-bridge", "boards", ["cbor2", "cobs"]),
]


@pytest.mark.parametrize(
    ("module", "program", "extra", "library"),
    [(module, program, extra, each) for module, program, extra, all_ in SIDES for each in all_],
)
@pytest.mark.parametrize("lang", ["en", "vi_VN.UTF-8"])
def test_a_program_without_a_library_names_the_extra_that_brings_it(
    module: str, program: str, extra: str, library: str, lang: str
) -> None:
    done = started(module, program, library, lang)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"{program} " in done.stderr
    assert library in done.stderr
    assert f"city-telemetry[{extra}]" in done.stderr
    assert ("is not installed" in done.stderr) == (lang == "en")


@pytest.mark.parametrize(
    ("module", "program", "library"),
    [
        ("edge_agent.cli", "edge-agent", "httpx"),
        ("collector.cli", "collector", "pymodbus"),
        ("firmware_bridge.cli", "firmware-bridge", "aiomqtt"),
    ],
)
def test_no_program_needs_the_libraries_of_another(module: str, program: str, library: str) -> None:
    done = started(module, program, library, "en")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: {program}")


@pytest.mark.parametrize("library", ["fastapi", "paho", "uvicorn"])
def test_what_only_a_running_collector_needs_is_told_when_it_is_to_run(library: str) -> None:
    done = started("collector.cli", "collector", library, "en", ["run", "-c", "/dev/null"])

    assert done.returncode == 2
    assert f"collector needs {library}, which is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_of_our_own_that_is_missing_is_a_bug_and_shown_whole() -> None:
    bug = ModuleNotFoundError("No module named 'edge_agent.lost'", name="edge_agent.lost")

    with pytest.raises(ModuleNotFoundError), extras.imports("edge-agent", "agent", {}):
        raise bug


def test_ctrl_c_while_a_program_starts_leaves_no_traceback() -> None:
    with pytest.raises(SystemExit) as end, extras.imports("edge-agent", "agent", {}):
        raise KeyboardInterrupt

    assert end.value.code == 130
