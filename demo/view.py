"""What the demonstration shows: a live picture on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from telemetry.units import UNITS

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = {
    "water-main-1": ("flow", "pressure"),
    "signal-1": ("group_1", "red_lamp_failed"),
    "air-1": ("temperature", "pm25", "pm10"),
    "dust-1": ("pm25", "pm10"),
    "indoor-1": ("temperature", "humidity", "co2"),
    "meter-1": ("voltage_l1", "power_total"),
}
"""The channels of each device that are shown."""

WHERE = "API: {api}/openapi.json\ntoken: var/demo/collector/local.token"
"""Where the running collector can be asked."""

COLOURS = {"high": "red", "medium": "yellow", "low": "cyan", "diagnostic": "magenta"}


@dataclass(slots=True)
class Picture:
    """What is known of the running demonstration."""

    seconds: float
    until: float | None
    api: str
    read: int = 0
    waiting: int = 0
    stored: int = 0
    delivered: int = 0
    connected: bool = False
    latest: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    news: list[str] = field(default_factory=list)


def draw(picture: Picture) -> RenderableType:
    """The live picture, at most 80 columns wide."""
    end = f" of {picture.until:.0f} s" if picture.until else "; Ctrl-C ends it"
    head = Text(f"City Telemetry demo   second {picture.seconds:.0f}{end}", style="bold")
    return Group(
        head, _flow(picture), _devices(picture.latest), _alarms(picture.alarms), _news(picture)
    )


def line(picture: Picture) -> str:
    """The picture in one line, for a log."""
    return (
        f"{picture.seconds:5.0f} s  read {picture.read}  outbox {picture.waiting}"
        f"  delivered {picture.delivered}  stored {picture.stored}"
        f"  alarms open {len(picture.alarms)}"
    )


def _flow(picture: Picture) -> RenderableType:
    table = Table.grid(padding=(0, 3))
    uplink = Text("connected", style="green") if picture.connected else Text("cut", style="red")
    table.add_row(
        f"read {picture.read}",
        f"in the outbox {picture.waiting}",
        f"delivered {picture.delivered}",
        f"stored {picture.stored}",
        Text.assemble("broker ", uplink),
    )
    return Panel(table, title="samples", width=80)


def _devices(latest: list[dict[str, Any]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for entry in latest:
        wanted = SHOWN.get(entry["device"])
        if wanted:
            cells = [_cell(entry, channel) for channel in wanted]
            table.add_row(Text(entry["device"], style="bold"), *cells)
    return Panel(table, title="latest values", width=80)


def _cell(entry: dict[str, Any], channel: str) -> str:
    flag = entry["flags"].get(channel)
    if channel not in entry["values"]:
        return f"{channel} {flag or '?'}"
    unit = UNITS.get(entry["units"].get(channel, ""))
    value = entry["values"][channel]
    text = f"{value:.1f}" if isinstance(value, float) else str(value).lower()
    return f"{channel} {text} {unit.label if unit else ''}".strip()


def _alarms(alarms: list[dict[str, Any]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for alarm in alarms:
        style = COLOURS[alarm["priority"]]
        table.add_row(
            Text(alarm["priority"].upper(), style=style),
            alarm["state"],
            f"{alarm['title']} ({alarm['device']})",
        )
        table.add_row("", Text("do", style="dim"), Text(alarm["action"], style="dim"))
    if not alarms:
        table.add_row(Text("none", style="green"))
    return Panel(table, title="open alarms", width=80)


def _news(picture: Picture) -> RenderableType:
    lines = [
        *picture.news[-5:],
        WHERE.format(api=picture.api),
    ]
    return Panel("\n".join(lines), title="what happens", width=80)
