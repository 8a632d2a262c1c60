"""One line of a check's result: the verdict, what it is about, what is so, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out; the same words in every language, for support and scripts."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """`do` is empty where nothing is to be done."""

    verdict: Verdict
    about: str
    says: str
    do: str = ""


def ok(about: str, says: str) -> Finding:
    """Nothing is to be done."""
    return Finding(Verdict.OK, about, says)


def warn(about: str, says: str, do: str = "") -> Finding:
    """It works, and somebody should know."""
    return Finding(Verdict.WARN, about, says, do)


def fail(about: str, says: str, do: str = "") -> Finding:
    """It does not work."""
    return Finding(Verdict.FAIL, about, says, do)
