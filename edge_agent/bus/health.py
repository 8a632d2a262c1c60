"""Whom to leave alone for a while, and the counters that tell how a device fares.

    answering ──PATIENCE polls without a reply──► silent: asked again after 5, 10, 20 … 60 s
        ▲                                            │
        └────────────────── any reply ───────────────┘

An exception is a reply. A port that cannot be opened backs off in the same way. Where other
devices want the same line, all silent ones together are asked for `SPARE` of its time at most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from edge_agent.bus.failures import (
    GATEWAY_CODES,
    BadReply,
    DeviceException,
    DeviceRefused,
    ReadFailed,
)

PATIENCE = 3
"""Polls without any reply before a device is left alone: noise rarely spoils three in a row."""

FIRST_PAUSE = 5.0
"""Seconds before a silent device is asked again for the first time; each pause doubles."""

LONGEST_PAUSE = 60.0
"""Seconds between two words of a device that is silent; and it is asked as often, if there is room.
"""

SPARE = 0.04
"""The part of a bus's time that asking silent devices may take from those that answer."""

SPARED_AT_MOST = 600.0
"""Seconds after which a silent device is asked again, whatever that costs the others."""


class Change(StrEnum):
    """What a poll's outcome changed."""

    SILENT = "silent"
    BACK = "back"


@dataclass(slots=True)
class BackOff:
    """Pauses that double from `first` to `longest` seconds, while something fails."""

    first: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE
    pause: float = 0.0
    until: float = 0.0

    def failed(self, now: float, *, at_least: float = 0.0) -> None:
        """Wait, twice as long as the last time; `at_least` (seconds) counts for this time alone."""
        self.pause = min(self.longest, self.pause * 2 or self.first)
        self.until = now + max(self.pause, at_least)

    def worked(self) -> None:
        """Forget the failures."""
        self.pause = self.until = 0.0

    def may_try(self, now: float) -> bool:
        """Whether the pause is over."""
        return now >= self.until


@dataclass(slots=True)
class Counters:
    """What has happened to one device's requests since the start of the process."""

    requests: int = 0
    replies: int = 0
    timeouts: int = 0
    bad_replies: int = 0
    skipped: int = 0
    """Polls that did not take place: the bus was busy or down, or the device was left alone."""
    exceptions: Counter[int] = field(default_factory=Counter)
    """By the code that the device answered; 0 in a protocol without codes."""

    def failed(self, failure: ReadFailed) -> None:
        """Count a request without words."""
        match failure:
            case DeviceException(code=code):
                self.exceptions[code] += 1
            case DeviceRefused():
                self.exceptions[0] += 1
            case BadReply():
                self.bad_replies += 1
            case _:
                self.timeouts += 1


class Health:
    """One device's circuit breaker. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.silent_since: float | None = None
        self.last_reply: float | None = None
        self._failures = 0
        self._back_off = BackOff()
        self._told: dict[object, float] = {}

    @property
    def doubted(self) -> bool:
        """Whether the last poll brought no reply."""
        return self._failures > 0

    def may_ask(self, now: float) -> bool:
        """Whether it is worth the bus's time to ask."""
        return self._back_off.may_try(now)

    @property
    def asked_from(self) -> float:
        """When it is worth the bus's time again to ask."""
        return self._back_off.until

    def polled(self, *, replied: bool, now: float, rest: float = 0.0) -> Change | None:
        """Take a poll's outcome; `rest`: seconds that the others need if it is silent."""
        return self._replied(now) if replied else self._unanswered(now, rest)

    def tell(self, what: object, now: float) -> bool:
        """Whether to flag again `what` was not polled: at once, then every `LONGEST_PAUSE`."""
        if now - self._told.get(what, -LONGEST_PAUSE) < LONGEST_PAUSE:
            return False
        self._told[what] = now
        return True

    def _replied(self, now: float) -> Change | None:
        changed = None if self.silent_since is None else Change.BACK
        self._failures, self.silent_since = 0, None
        self._told.clear()
        self.last_reply = now
        self._back_off.worked()
        return changed

    def _unanswered(self, now: float, rest: float) -> Change | None:
        self._failures += 1
        if self._failures < PATIENCE:
            return None
        self._back_off.failed(now, at_least=rest)
        if self.silent_since is not None:
            return None
        self.silent_since = now
        return Change.SILENT


def rest_after(cost: float, silent: int) -> float:
    """Seconds to leave a silent device alone, so that those that answer lose `SPARE` at most.

    Args:
        cost: seconds that one question without a reply takes of the bus's time.
        silent: how many of its devices are silent.
    """
    return min(SPARED_AT_MOST, cost * silent * (1 / SPARE - 1))


def is_silence(failure: ReadFailed) -> bool:
    """Whether a failure says nothing of the device being alive: no reply, or a gateway's word."""
    if isinstance(failure, DeviceException):
        return failure.code in GATEWAY_CODES
    return not isinstance(failure, DeviceRefused)
