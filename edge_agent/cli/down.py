"""Why a bus cannot be used, and what to do when it is the running agent that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.bus.settings import PortBus
from edge_agent.ports.holders import holders
from telemetry.language import Phrase
from telemetry.layout import folded

if TYPE_CHECKING:
    from edge_agent.bus.failures import BusDown
    from edge_agent.bus.settings import AnyBus
    from telemetry.language import Lang

DOWN = Phrase(en="{place} is down: {reason}", vi="{place} không dùng được: {reason}")
AGENT = Phrase(
    en="process {pid} is the running agent: stop it first, and start it again afterwards",
    vi="tiến trình {pid} là agent đang chạy: dừng nó trước, xong thì chạy lại",
)


def down(bus: AnyBus, reason: BusDown, lang: Lang) -> str:
    """The reason in lines for a terminal."""
    lines = [folded(DOWN(lang, place=bus.place, reason=reason.told(lang)))]
    if isinstance(bus, PortBus):
        agents = (each for each in holders(bus.port).known if each.is_agent)
        lines += [folded(AGENT(lang, pid=each.pid)) for each in agents]
    return "\n".join(lines)
