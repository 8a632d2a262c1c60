"""The picture of `collector watch` on a terminal: a row a device, the last alarms under them.

    gw-1/meter-1    14:03:07  voltage_l1=230.1 current_l1=4.2 power_total=5802.6 …
    gw-1/signal-1   14:03:08  group_1=red red_lamp_failed=true

It never is larger than the terminal: a row that is too long ends in an ellipsis, and devices for
which there is no room are counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

OWN = ("gateway", "-health")
"""Devices of a gateway's own: its vitals, and `<device>-health`."""

NEWS = 5
"""Lines of what happened last."""


class Size(NamedTuple):
    """A terminal's, in characters."""

    columns: int
    lines: int


class Row(NamedTuple):
    """What is known of a device: its latest time of day, and a text for each channel."""

    time: str
    channels: Mapping[str, str]


def is_own(device: str) -> bool:
    """Whether a device is the gateway itself, or tells how another one is read."""
    return device == OWN[0] or device.endswith(OWN[1])


def spell(value: Any) -> str:  # noqa: ANN401 - any JSON scalar
    """A value as people read it: `true`, `230.1`, `red`."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def draw(rows: Mapping[str, Row], news: Sequence[str], size: Size, more: str) -> str:
    """The picture; `more` says that there are others, with `{}` for their number."""
    last = list(news)[-NEWS:]
    room = max(1, size.lines - len(last) - 2)
    shown = sorted(rows.items())
    hidden = len(shown) - room + 1 if len(shown) > room else 0
    if hidden:
        shown = shown[:-hidden]
    width = max((len(name) for name, _ in shown), default=0)
    lines = [f"{name.ljust(width)}  {row.time}  {_channels(row)}" for name, row in shown]
    lines += [more.format(hidden)] * bool(hidden)
    return "\n".join(_crop(line, size.columns) for line in [*lines, "", *last])


def _channels(row: Row) -> str:
    return " ".join(f"{channel}={text}" for channel, text in row.channels.items())


def _crop(line: str, columns: int) -> str:
    return line if len(line) <= columns else line[: columns - 1] + "…"
