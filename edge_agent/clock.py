"""Whether the time can be believed: what the kernel says of its own clock (adjtimex(2)).

A time daemon tells the kernel when it keeps the clock; a board without a battery starts without.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Literal

from telemetry.envelope import Clock

STA_UNSYNC = 0x0040
"""Status bit: nobody keeps this clock (linux/timex.h)."""

STA_NANO = 0x2000
"""Status bit: the offset is in nanoseconds, not microseconds (linux/timex.h)."""

TIME_ERROR = 5
"""adjtimex's result while the clock is not synchronised (linux/timex.h)."""


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h; `modes` 0 only reads."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("tv_sec", ctypes.c_long),
        ("tv_usec", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


_C = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class KernelTime:
    """What adjtimex said.

    Attributes:
        result: 0 to 5, or negative if it could not be asked.
        status: bits.
        offset: seconds that the clock was last found to be off.
        max_error: seconds that it may be off; the kernel raises it while nobody keeps the clock.
    """

    result: int
    status: int
    offset: float
    max_error: float

    @property
    def clock(self) -> Clock:
        """As envelopes say it."""
        unsynced = self.result < 0 or self.result == TIME_ERROR or self.status & STA_UNSYNC
        return Clock.UNKNOWN if unsynced else Clock.SYNCED


def ask_kernel() -> KernelTime:
    """The kernel's word. One that cannot be asked gives a negative result."""
    timex = _Timex()
    try:
        result = _C.adjtimex(ctypes.byref(timex))
    except AttributeError:  # a C library without it
        result = -os.EX_UNAVAILABLE
    resolution = 1e9 if timex.status & STA_NANO else 1e6
    return KernelTime(result, timex.status, timex.offset / resolution, timex.maxerror / 1e6)


def clock_state(source: Literal["kernel", "trusted"]) -> Clock:
    """Whether times taken now are true, by the word of the kernel or of the configuration."""
    return Clock.SYNCED if source == "trusted" else ask_kernel().clock
