"""Exit codes of `edge-agent`, for scripts and supervisors."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended, if not well (0)."""

    NOT_WORKING = 1
    """A check failed, a device did not answer, no agent runs, or the agent met a bug."""
    WRONG_INPUT = 2
    """The command line, the configuration or a profile is wrong."""
