"""Becomes the program it is given, having asked the kernel to end it when its parent dies.

Run as a script: `python -I -S leash.py PARENT-PID PROGRAM ARGUMENT…`. Without it a collector that
is killed (SIGKILL runs no handler) would leave its broker behind, holding port and store.
PR_SET_PDEATHSIG outlives execve(2). It is bound to the *thread* that started us: the event loop's,
which lives as long as its process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def main() -> None:
    """Put on the leash, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before we asked
        sys.exit("the parent is gone")
    os.execv(program[0], program)  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main()
