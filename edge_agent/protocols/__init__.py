"""Serial protocols other than Modbus: cores that turn a question into bytes, and bytes into fields.

`conversation` is what they share; each protocol is a module, and stands in `PROTOCOLS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Spoken

PROTOCOLS: dict[str, Spoken] = {}
"""By the name that a profile's `protocol` gives."""
