"""`edge-agent plan`: which requests read each device, and how much of its bus they take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import typer

from edge_agent.bus.inquiry import Inquiry
from edge_agent.bus.request import Request
from edge_agent.bus.settings import Line
from edge_agent.cli.options import Config, Json, Language, echo_json, load_site
from edge_agent.exits import Exit
from edge_agent.site.load import Fit, load_of, percent
from telemetry.language import Lang, Phrase
from telemetry.layout import folded

if TYPE_CHECKING:
    from edge_agent.bus.planned import Planned
    from edge_agent.bus.rounds import Round
    from edge_agent.bus.settings import AnyBus
    from edge_agent.site.load import Load
    from edge_agent.site.site import Site, SiteDevice

EXAMPLES = """\b
Examples:
  edge-agent plan
  edge-agent plan --json | jq '.buses[] | {id, share, fit}'

Times are estimates: the wire's, and what profiles say of how fast a device answers.
Exits with 1 when a bus is asked for more time than it has.
"""

NO_BUSES = Phrase(en="there are no buses", vi="chưa có bus nào")
BUSY = Phrase(
    en="{share} % of its time; all at once {worst}, shortest interval {shortest}",
    vi="{share} % thời gian; tất cả cùng lúc {worst}, chu kỳ ngắn nhất {shortest}",
)
WAITS = Phrase(
    en="when all is due at once, as after a start, polls wait or are skipped and counted",
    vi="khi tất cả đến lượt cùng lúc, như lúc khởi động, có lượt đọc phải chờ hoặc bị bỏ",
)
ESTIMATED = Phrase(
    en="a network: estimated at 10 ms a request",
    vi="qua mạng: ước tính 10 ms mỗi yêu cầu",
)
DEVICE = Phrase(en="{device} at {address}: {share} %", vi="{device} địa chỉ {address}: {share} %")
EVERY = Phrase(en="every {interval}: {time}", vi="mỗi {interval}: {time}")
ONCE = Phrase(en="once: {time}", vi="một lần: {time}")
MEETS = Phrase(
    en="{intervals} are read together: {time} in place of {apart}",
    vi="{intervals} được đọc chung: {time} thay vì {apart}",
)
READ = Phrase(
    en="{table} {address}, {count} long; channels: {channels}",
    vi="{table} {address}, dài {count}; số kênh: {channels}",
)
ASK = Phrase(
    en="{sends} bytes there, {receives} back at most; channels: {channels}",
    vi="gửi {sends} byte, nhận tối đa {receives}; số kênh: {channels}",
)


def plan(config: Config = None, *, lang: Language, as_json: Json = False) -> None:
    """Show each device's requests, and the bus time they take."""
    site = load_site(config, lang)
    found = [(bus, load_of(site, bus)) for bus in site.config.buses]
    if as_json:
        echo_json({"buses": [_document(site, bus, load) for bus, load in found]})
    else:
        for bus, load in found:
            _show(site, bus, load, lang)
        if not found:
            typer.echo(NO_BUSES(lang))
    if any(load.fit is Fit.TOO_MUCH for _, load in found):
        raise typer.Exit(Exit.NOT_WORKING)


def _document(site: Site, bus: AnyBus, load: Load) -> dict[str, object]:
    devices = site.on(bus.id)
    return {
        "id": bus.id,
        "place": bus.place,
        "share": round(load.share * 100, 1),
        "fit": load.fit.value,
        "advice": list(load.words(Lang.EN)),
        "worst_seconds": round(load.worst, 4),
        "shortest_interval": load.shortest,
        "rounds": [_round(device, each) for device in devices for each in device.rounds],
        "together": [
            _round(device, joint) | {"intervals": [_seconds_or_once(each) for each in _sorted(met)]}
            for device in devices
            for met, joint in device.timetable.together.items()
        ],
    }


def _round(device: SiteDevice, each: Round) -> dict[str, object]:
    return {
        "device": device.id,
        "address": device.address,
        "interval": _seconds_or_once(each),
        "seconds": round(each.seconds(device.cost), 4),
        "channels": len(each.channels),
        "requests": [_request(request) for request in each.requests],
    }


def _request(request: Planned) -> dict[str, object]:
    names = [channel.id for channel in request.channels]
    match request:
        case Request(table=table, address=address, count=count):
            return {"table": table.value, "address": address, "count": count, "channels": names}
        case Inquiry(question=ask):
            return {"sends": ask.sends, "receives": ask.receives, "channels": names}
        case _:
            return {"channels": names}


def _seconds_or_once(each: Round) -> float | None:
    return each.interval if math.isfinite(each.interval) else None


def _sorted(met: frozenset[Round]) -> list[Round]:
    return sorted(met, key=lambda each: each.interval)


def _show(site: Site, bus: AnyBus, load: Load, lang: Lang) -> None:
    _say(f"bus {bus.id}: {bus.place}")
    shortest = "-" if load.shortest is None else f"{load.shortest:g} s"
    busy = BUSY(lang, share=percent(load.share), worst=_time(load.worst), shortest=shortest)
    _say(busy, 2)
    if not isinstance(bus, Line):
        _say(ESTIMATED(lang), 2)
    for device in site.on(bus.id):
        _show_device(device, lang)
    if load.shortest is not None and load.worst > load.shortest:
        _say(WAITS(lang), 2)
    for words in load.words(lang):
        _say(("! " if load.fit is Fit.TOO_MUCH else "warn: ") + words, 2)
    typer.echo("")


def _show_device(device: SiteDevice, lang: Lang) -> None:
    share = percent(device.load)
    _say(DEVICE(lang, device=device.id, address=device.address or "-", share=share), 2)
    for each in device.rounds:
        time = _time(each.seconds(device.cost))
        is_once = math.isinf(each.interval)
        says = ONCE(lang, time=time) if is_once else EVERY(lang, interval=_often(each), time=time)
        _say(says, 4)
        for request in each.requests:
            _say(_spelled(request, lang), 6)
    for met, joint in device.timetable.together.items():
        intervals = ", ".join(_often(each) for each in _sorted(met))
        apart = sum(each.seconds(device.cost) for each in met)
        time = _time(joint.seconds(device.cost))
        _say(MEETS(lang, intervals=intervals, time=time, apart=_time(apart)), 4)


def _often(each: Round) -> str:
    return f"{each.interval:g} s" if math.isfinite(each.interval) else "once"


def _spelled(request: Planned, lang: Lang) -> str:
    channels = len(request.channels)
    match request:
        case Request(table=table, address=address, count=count):
            return READ(lang, table=table, address=address, count=count, channels=channels)
        case Inquiry(question=ask):
            return ASK(lang, sends=ask.sends, receives=ask.receives, channels=channels)
        case _:
            return str(channels)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _say(text: str, indent: int = 0) -> None:
    typer.echo(folded(text, " " * indent, " " * (indent + 2)))
