"""Why a collector cannot start: for a person to mend, in one line."""

from __future__ import annotations


class CannotStart(Exception):
    """The collector cannot start; the message says what must change."""
