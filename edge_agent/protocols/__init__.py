"""Serial protocols other than Modbus: cores that turn a question into bytes, and bytes into fields.

`conversation` is what they share; each protocol is a module, and stands in `PROTOCOLS`. It is
loaded when a device speaks it: all of them would take 1 MB of the agent's memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Spoken

CLASSES = {
    "a02": "a02.A02",
    "ab3418": "ab3418.Ab3418",
    "dlt645": "dlt645.Dlt645",
    "iec62056-21": "iec62056.Iec62056",
    "mbus": "mbus.Mbus",
    "megatec": "megatec.Megatec",
    "mhz19": "mhz19.Mhz19",
    "plantower": "plantower.Plantower",
    "sds011": "sds011.Sds011",
    "sps30": "sps30.Sps30",
    "umb": "umb.Umb",
    "wxt": "wxt.Wxt",
}


class _Protocols(Mapping[str, "Spoken"]):
    """The protocols of `CLASSES`, each loaded when it is first asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, Spoken] = {}

    def __getitem__(self, name: str) -> Spoken:
        if name not in self._loaded:
            module, kind = CLASSES[name].split(".")
            self._loaded[name] = getattr(importlib.import_module(f"{__name__}.{module}"), kind)()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(CLASSES)

    def __len__(self) -> int:
        return len(CLASSES)


PROTOCOLS: Mapping[str, Spoken] = _Protocols()
"""By the name that a profile's `protocol` gives."""
