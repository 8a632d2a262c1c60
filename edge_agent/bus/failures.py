"""Why a read brought no words; each failure knows the flag that its channels get."""

from __future__ import annotations

from collections.abc import Callable

from telemetry.language import Lang
from telemetry.sample import (
    BAD_REPLY,
    BUS_DOWN,
    DEVICE_ERROR,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    NO_REPLY,
    Flag,
)

Reason = str | Callable[[Lang], str]
"""Why a bus is down: a text, or one for each language."""

UNKNOWN_FUNCTION = 1
"""Illegal function: the device has no such table (Modbus Application V1.1b3, §7)."""

REFUSALS = frozenset({2, 3})
"""Illegal data address, illegal data value (ibid.).

A device refuses a register that it does not have with 2; some say 3, as they do for a read that is
longer than they can answer. Either way a shorter read may be answered.
"""

TROUBLE = 4
"""Server device failure (ibid.); some say it of a register that they do not have."""

BUSY = frozenset({5, 6})
"""Acknowledge, server device busy (ibid.): it is at work, and wants to be asked later."""

GATEWAY_CODES = frozenset({10, 11})
"""A gateway's word that the device behind it did not answer (ibid.)."""

_FLAGS = (
    dict.fromkeys(REFUSALS, ILLEGAL_ADDRESS)
    | dict.fromkeys(GATEWAY_CODES, NO_REPLY)
    | {UNKNOWN_FUNCTION: ILLEGAL_FUNCTION}
)


class ReadFailed(Exception):
    """A read brought no words."""

    flag: Flag


class NoReply(ReadFailed):
    """Nothing came within the deadline: the device may be gone."""

    flag = NO_REPLY


class BadReply(ReadFailed):
    """Something came that is no answer to this request: noise, or another's reply."""

    flag = BAD_REPLY


class DeviceException(ReadFailed):
    """The device answered with an exception code, or a gateway in its place."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code
        self.flag = _FLAGS.get(code, DEVICE_ERROR)


class DeviceRefused(ReadFailed):
    """The device answered that it will not say, in a protocol without Modbus' codes."""

    flag = DEVICE_ERROR


class BusDown(ReadFailed):
    """The port or connection is not there: nobody on this bus can be asked.

    Its text is for the log; `told` says the same to a technician, in the language asked for.
    """

    flag = BUS_DOWN

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason if isinstance(reason, str) else reason(Lang.EN))
        self._reason = reason

    def told(self, lang: Lang) -> str:
        """The reason, as far as it is known in that language."""
        return self._reason if isinstance(self._reason, str) else self._reason(lang)
