"""`edge-agent ports`: what is plugged in, how to name it, and what keeps it from being used."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from edge_agent.bus.settings import PortBus
from edge_agent.cli.options import Config, Json, Language, echo_json
from edge_agent.cli.target import optional_config
from edge_agent.exits import Exit
from edge_agent.ports import advice
from edge_agent.ports import ports as machine
from edge_agent.ports.naming import Naming
from telemetry.language import Lang, Phrase
from telemetry.layout import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge_agent.ports.ports import Port

EXAMPLES = """\b
Examples:
  edge-agent ports
  edge-agent ports --lang vi
  edge-agent ports --json | jq -r '.[].name'
  sudo edge-agent ports    # also sees the processes of other users

Put the name behind `configure as` into the configuration: it stays when cables move.
Exits with 1 when there is no port, or a bus names one that is missing or not permitted.
"""

NONE = Phrase(
    en="no serial port here; is the adapter plugged in? (`dmesg | tail` tells what came)",
    vi="không có cổng nối tiếp; đã cắm bộ chuyển đổi chưa? (xem `dmesg | tail`)",
)
CONFIGURE = Phrase(en="configure as", vi="cấu hình là")
HELD_BY = Phrase(en="held by", vi="đang giữ bởi")
USED_BY = Phrase(en="used by bus", vi="dùng cho bus")
BECAUSE = {
    Naming.BY_ID: Phrase(
        en="the adapter's own name, whatever socket it is in",
        vi="tên riêng của bộ chuyển đổi, cắm ở đâu cũng vậy",
    ),
    Naming.SAME_ID: Phrase(
        en="the socket's name: another adapter has the same id, so leave each in its socket",
        vi="tên của khe cắm: có bộ chuyển đổi khác trùng mã, nên giữ nguyên khe cắm",
    ),
    Naming.NO_SERIAL: Phrase(
        en="it has no serial number: a second adapter of this kind would have the same name",
        vi="không có số sê-ri: bộ chuyển đổi thứ hai cùng loại sẽ trùng tên",
    ),
    Naming.BY_PATH: Phrase(
        en="the socket's name: leave the adapter in it",
        vi="tên của khe cắm: giữ nguyên bộ chuyển đổi ở khe này",
    ),
    Naming.NUMBERED: Phrase(
        en="there is no stable name (is udev running?); the number may change",
        vi="không có tên cố định (udev có chạy không?); số có thể thay đổi",
    ),
    Naming.FIXED: Phrase(en="part of the board; the name stays", vi="trên bo mạch; tên cố định"),
    Naming.CONFIGURED: Phrase(en="named by the configuration only", vi="chỉ có tên trong cấu hình"),
}
NOBODY = Phrase(en="nobody", vi="không ai")
NOBODY_SEEN = Phrase(
    en="nobody that this user may see (processes that it may not look into: {hidden}; try sudo)",
    vi="không thấy ai (số tiến trình không được phép xem: {hidden}; thử sudo)",
)
HOLDER = Phrase(en="{program} (pid {pid})", vi="{program} (pid {pid})")
AGENT = Phrase(
    en="{program} (pid {pid}), the agent: stop it before you scan or read",
    vi="{program} (pid {pid}), là agent: dừng nó trước khi quét hoặc đọc",
)
MISSING = Phrase(en="it is not there", vi="không có cổng này")


def ports(
    config: Config = None,
    *,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Show the serial ports: what is plugged in, and who holds it."""
    loaded = optional_config(config, lang)
    buses = () if loaded is None else loaded.buses
    found = machine.ports([(bus.id, bus.port) for bus in buses if isinstance(bus, PortBus)])
    if as_json:
        echo_json([_document(port) for port in found])
    elif found:
        typer.echo("\n\n".join("\n".join(_lines(port, lang)) for port in found))
    else:
        typer.echo(NONE(lang))
    if not found or any(port.buses and not port.permitted for port in found):
        raise typer.Exit(Exit.NOT_WORKING)


def _lines(port: Port, lang: Lang) -> Iterator[str]:
    yield labelled(str(port.device), _what(port), width=0)
    yield labelled(CONFIGURE(lang), str(port.name), indent=2)
    yield labelled("", BECAUSE[port.naming](lang), indent=2)
    yield labelled(HELD_BY(lang), ", ".join(_held_by(port, lang)), indent=2)
    if port.buses:
        yield labelled(USED_BY(lang), ", ".join(port.buses), indent=2)
    for problem in _problems(port, lang):
        yield labelled("!", problem, indent=2, width=1)


def _what(port: Port) -> str:
    adapter = port.adapter
    parts = [] if adapter is None else [adapter.vendor, adapter.product, f"[{adapter.usb_id}]"]
    if port.driver:
        parts.append(f"({port.driver})")
    return " ".join(part for part in parts if part)


def _held_by(port: Port, lang: Lang) -> Sequence[str]:
    held = port.held_by
    known = [
        (AGENT if each.is_agent else HOLDER)(lang, program=each.program, pid=each.pid)
        for each in held.known
    ]
    nobody = NOBODY_SEEN(lang, hidden=held.hidden) if held.hidden else NOBODY(lang)
    return known or [nobody]


def _problems(port: Port, lang: Lang) -> Iterator[str]:
    if not port.exists:
        yield MISSING(lang)
    elif not port.permitted:
        yield str(advice.permission(port.device, port.group, lang))
    yield from map(str, advice.speed(port.device, port.latency, lang))


def _document(port: Port) -> dict[str, Any]:
    document = asdict(port)
    document["device"], document["name"] = str(port.device), str(port.name)
    return document
