"""The devices' side of serial protocols other than Modbus: cores that turn fields into frames.

`far_end` is what they share; each protocol is a module, and stands in `MODULES`. It is loaded when
a scenario has such a device: the running agent needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from edge_agent.protocols import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.simulate.far_ends.far_end import FarEnd

MODULES = {
    "dlt645": "dlt645",
    "iec62056-21": "iec62056",
    "megatec": "megatec",
    "plantower": "plantower",
    "sds011": "sds011",
}
"""By the name that a profile's `protocol` gives."""


class NotPlayed(ValueError):
    """No such device can be simulated; the message says why."""


def far_end_of(protocol: str, address: str, fields: Sequence[str]) -> FarEnd:
    """A device at `address` that can say these fields.

    Raises:
        NotPlayed: if that protocol is not simulated, or knows no such address or field.
    """
    if protocol not in MODULES:
        known = ", ".join(MODULES)
        raise NotPlayed(f"{protocol} cannot be simulated; modbus, {known} can")
    try:
        PROTOCOLS[protocol].questions(address, fields)
        module = importlib.import_module(f"{__name__}.{MODULES[protocol]}")
        made: FarEnd = module.far_end(address, fields)
    except ValueError as error:
        raise NotPlayed(str(error)) from error
    return made
