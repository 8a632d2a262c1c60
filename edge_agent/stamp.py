"""When a sample was taken: the wall clock, but never twice the same time for one device.

A clock that was stepped back a little waits until it has caught up. One that was stepped back far
had been wrong, and its times with it (a collector keeps future times out of the series), so the
new time is taken.
"""

from __future__ import annotations

HELD_BACK_MAX = 60_000
"""Milliseconds that times may run ahead of the clock; beyond that they lie in the future."""


class Stamps:
    """The last time given to each device, and the last that was the clock's own, in ms."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._true: dict[str, int] = {}

    def stamp(self, device: str, now: int) -> int:
        """The time for a sample of `device` taken at `now`."""
        last = self._last.get(device, -1)
        if now > last or self._true[device] - now > HELD_BACK_MAX:
            self._last[device] = self._true[device] = now
        else:
            self._last[device] = last + 1
        return self._last[device]
