"""Times are called true only when the kernel, or the configuration, says that they are."""

from __future__ import annotations

import ctypes
import subprocess
from typing import TYPE_CHECKING

import pytest

from edge_agent import clock
from edge_agent.clock import STA_UNSYNC, TIME_ERROR, KernelTime, ask_kernel, clock_state
from parts.processes import require_program
from telemetry.envelope import Clock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("result", "status", "state"),
    [
        (0, 0x2001, Clock.SYNCED),
        (1, 0, Clock.SYNCED),
        (TIME_ERROR, 0, Clock.UNKNOWN),
        (0, STA_UNSYNC, Clock.UNKNOWN),
        (-1, 0, Clock.UNKNOWN),
    ],
)
def test_the_kernels_word_is_read_as_the_manual_says(
    result: int, status: int, state: Clock
) -> None:
    assert KernelTime(result, status, 0.0, 0.0).clock is state


def test_this_kernel_answers() -> None:
    kernel = ask_kernel()

    assert kernel.result in range(6)
    assert kernel.max_error >= 0
    assert abs(kernel.offset) < 1


def test_our_struct_is_as_large_as_the_c_librarys(tmp_path: Path) -> None:
    source, program = tmp_path / "size.c", tmp_path / "size"
    source.write_text(
        "#include <stdio.h>\n#include <sys/timex.h>\n"
        'int main(void) { printf("%zu", sizeof(struct timex)); }\n'
    )
    subprocess.run([require_program("cc"), "-o", program, source], check=True)

    said = subprocess.run([program], check=True, capture_output=True, text=True)

    assert int(said.stdout) == ctypes.sizeof(clock._Timex)


def test_a_host_may_vouch_for_its_time() -> None:
    assert clock_state("trusted") is Clock.SYNCED
    assert clock_state("kernel") is ask_kernel().clock
