"""Our own bytes, which many two-wire adapters bring back before the answer: cut off.

`True`: as many bytes as were sent are the echo, be they damaged by whoever spoke at the same time.
`auto`: they are, if they are the same. No answer to a Modbus read begins with its whole request.
"""

from __future__ import annotations

from typing import Literal


class Echo:
    """What is left of what comes."""

    def __init__(self, mode: bool | Literal["auto"]) -> None:  # noqa: FBT001 - as configured
        self._mode = mode
        self._expected = b""
        self._held = b""

    def sent(self, data: bytes) -> None:
        """These bytes may come back."""
        self._expected = data if self._mode else b""
        self._held = b""

    def strip(self, data: bytes) -> bytes:
        """`data` without the echo; what may yet be one is held back."""
        if not self._expected:
            return data
        heard = self._held + data
        size = len(self._expected)
        if self._mode == "auto" and not self._expected.startswith(heard[:size]):
            self._expected = self._held = b""
            return heard
        if len(heard) < size:
            self._held = heard
            return b""
        self._expected = self._held = b""
        return heard[size:]

    def release(self) -> bytes:
        """What was held back, and is no echo: nothing more has come."""
        held, self._expected, self._held = self._held, b"", b""
        return held
