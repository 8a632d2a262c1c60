"""Serial protocols other than Modbus: cores that turn a question into bytes, and bytes into fields.

`conversation` is what they share; each protocol is a module, and stands in `PROTOCOLS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.protocols.a02 import A02
from edge_agent.protocols.ab3418 import Ab3418
from edge_agent.protocols.dlt645 import Dlt645
from edge_agent.protocols.iec62056 import Iec62056
from edge_agent.protocols.mbus import Mbus
from edge_agent.protocols.megatec import Megatec
from edge_agent.protocols.mhz19 import Mhz19
from edge_agent.protocols.plantower import Plantower
from edge_agent.protocols.sds011 import Sds011
from edge_agent.protocols.sps30 import Sps30
from edge_agent.protocols.umb import Umb
from edge_agent.protocols.wxt import Wxt

if TYPE_CHECKING:
    from edge_agent.protocols.conversation import Spoken

PROTOCOLS: dict[str, Spoken] = {
    "a02": A02(),
    "ab3418": Ab3418(),
    "dlt645": Dlt645(),
    "iec62056-21": Iec62056(),
    "mbus": Mbus(),
    "megatec": Megatec(),
    "mhz19": Mhz19(),
    "plantower": Plantower(),
    "sds011": Sds011(),
    "sps30": Sps30(),
    "umb": Umb(),
    "wxt": Wxt(),
}
"""By the name that a profile's `protocol` gives."""
