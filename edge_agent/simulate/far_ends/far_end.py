"""How a simulated device takes its part in a conversation, without any input or output.

fields ─sayings─► what it says, by what it is asked ─answer (bytes heard)─► bytes said
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device_profiles.encode import NotEncodable
from telemetry.sample import Value

Said = Mapping[str, Value]
"""Raw values by the protocol's own names; a field that is not there is fed by nothing."""

Sayings = Mapping[bytes, bytes]
"""What a device says now, by what it is asked for."""

UNASKED = b""
"""What it is asked for when it speaks by itself."""


class FarEnd(Protocol):
    """A device of one protocol, at one address."""

    every: float | None
    """Seconds between two frames of a device that speaks by itself; None if it waits to be asked"""

    def sayings(self, said: Said) -> Sayings:
        """Everything that it has to say.

        Raises:
            NotEncodable: if its frames cannot hold a value.
        """
        ...

    def answer(self, data: bytes, sayings: Sayings) -> bytes:
        """What it says to these bytes; nothing until a request to it is whole."""
        ...


@dataclass(slots=True)
class Scripted:
    """A device that knows each request by all of its bytes."""

    phrase: Callable[[Said], Sayings]
    every: float | None = None
    _heard: bytes = field(default=b"", init=False)

    def sayings(self, said: Said) -> Sayings:
        """Everything that it has to say."""
        return self.phrase(said)

    def answer(self, data: bytes, sayings: Sayings) -> bytes:
        """What it says to these bytes; noise before and between requests is passed over."""
        requests = [request for request in sayings if request != UNASKED]
        if not requests:
            return b""
        self._heard += data
        said, end = b"", 0
        for request in re.finditer(b"|".join(map(re.escape, requests)), self._heard):
            said += sayings[request[0]]
            end = request.end()
        self._heard = self._heard[end:][-max(map(len, requests)) :]
        return said


def whole(field: str, value: Value, low: int, high: int) -> int:
    """The whole number nearest to a value, which a frame can hold from `low` to `high`.

    Raises:
        NotEncodable: if it is no number, or beyond these.
    """
    if isinstance(value, str) or not low <= round(value) <= high:
        raise NotEncodable(f"field {field!r} cannot say {value!r}: it says {low} to {high}")
    return round(value)
