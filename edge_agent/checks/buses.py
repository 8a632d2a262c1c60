"""Each bus: its port and who may use it, or its address in the network; and its time."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

from edge_agent.bus.settings import PortBus, UdpBus
from edge_agent.checks.finding import Finding, Verdict, fail, ok, warn
from edge_agent.ports import advice, kernel
from edge_agent.ports.holders import holders
from edge_agent.site.load import Fit, load_of
from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.bus.settings import AnyBus
    from edge_agent.site.site import Site
    from telemetry.language import Lang

CONNECT_WITHIN = 3.0
"""Seconds for a device or the broker to accept a connection."""

BUS = Phrase(en="bus {id}", vi="bus {id}")
MISSING = Phrase(en="{port}: {reason}", vi="{port}: không mở được ({reason})")
PLUG_IN = Phrase(
    en="is the adapter plugged in? `edge-agent ports` shows what is there",
    vi="đã cắm bộ chuyển đổi chưa? xem `edge-agent ports`",
)
NO_PORT = Phrase(en="{port} is no serial port", vi="{port} không phải cổng nối tiếp")
NAME_ANOTHER = Phrase(
    en="`edge-agent ports` tells the names to use", vi="`edge-agent ports` cho biết tên cần dùng"
)
HELD = Phrase(
    en="{port} is held by {program} (pid {pid})", vi="{port} đang do {program} (pid {pid}) giữ"
)
STOP_IT = Phrase(
    en="a serial port belongs to one process: stop that one",
    vi="mỗi cổng chỉ một tiến trình dùng: dừng tiến trình đó",
)
ACCEPTS = Phrase(en="{place} accepts connections", vi="{place} nhận kết nối")
NAMED = Phrase(en="{place}, whose name is known", vi="{place}, tên đã phân giải được")
NO_ANSWER = Phrase(
    en="{place} does not answer within {limit:g} s", vi="{place} không trả lời trong {limit:g} giây"
)
UNREACHABLE = Phrase(
    en="{place} cannot be reached: {reason}", vi="không tới được {place}: {reason}"
)
REACH = Phrase(
    en="address, port, cable, power, firewall?", vi="kiểm tra địa chỉ, cổng, cáp, nguồn, tường lửa"
)
BUSY = Phrase(
    en="{share:.0%} of its time is planned", vi="kế hoạch đọc chiếm {share:.0%} thời gian"
)
ASK_LESS = Phrase(
    en="longer intervals, a faster line, or a second bus; see `edge-agent plan`",
    vi="tăng chu kỳ đọc, tăng tốc độ đường truyền hoặc chia thêm bus; xem `edge-agent plan`",
)


def buses(site: Site, lang: Lang) -> Iterator[Finding]:
    """Every bus, in the configuration's order."""
    for bus in site.config.buses:
        if isinstance(bus, PortBus):
            yield from _port(bus, lang)
        elif isinstance(bus, UdpBus):
            yield _resolvable(bus, lang)
        else:
            yield _reachable(bus, lang)
        yield from _time(site, bus, lang)


def _port(bus: PortBus, lang: Lang) -> Iterator[Finding]:
    problem = _unusable(bus, lang)
    if problem is not None:
        yield problem
        return
    about = BUS(lang, id=bus.id)
    yield ok(about, bus.place)
    for each in advice.better(bus.port, lang):
        yield warn(about, f"{bus.port}: {each.says}", each.do)


def _unusable(bus: PortBus, lang: Lang) -> Finding | None:
    """Why the agent could not open it, or None; what the agent itself holds is right."""
    about = BUS(lang, id=bus.id)
    try:
        mode = bus.port.stat().st_mode
    except OSError as error:
        return fail(about, MISSING(lang, port=bus.port, reason=error.strerror), PLUG_IN(lang))
    if not stat.S_ISCHR(mode):
        return fail(about, NO_PORT(lang, port=bus.port), NAME_ANOTHER(lang))
    if not os.access(bus.port, os.R_OK | os.W_OK):
        denied = advice.permission(bus.port, kernel.group(bus.port), lang)
        return fail(about, f"{bus.port}: {denied.says}", denied.do)
    held = next((each for each in holders(bus.port).known if not each.is_agent), None)
    if held is not None and not _is_simulated(bus.port):
        says = HELD(lang, port=bus.port, program=held.program, pid=held.pid)
        return Finding(Verdict.WARN, about, says, STOP_IT(lang))
    return None


def _is_simulated(port: Path) -> bool:
    """A pseudo-terminal: whoever simulates the devices holds its other end."""
    return port.resolve().is_relative_to("/dev/pts")


def _reachable(bus: AnyBus, lang: Lang) -> Finding:
    assert not isinstance(bus, PortBus)  # noqa: S101 - told apart above
    reason = unreachable(bus.host, bus.port, bus.place, lang)
    about = BUS(lang, id=bus.id)
    return fail(about, reason, REACH(lang)) if reason else ok(about, ACCEPTS(lang, place=bus.place))


def _resolvable(bus: UdpBus, lang: Lang) -> Finding:
    """Whether a datagram arrives is not told by anybody; the name at least can be looked up."""
    about = BUS(lang, id=bus.id)
    try:
        socket.getaddrinfo(bus.host, bus.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        says = UNREACHABLE(lang, place=bus.place, reason=error.strerror)
        return fail(about, says, REACH(lang))
    return ok(about, NAMED(lang, place=bus.place))


def unreachable(host: str, port: int, place: str, lang: Lang) -> str | None:
    """Why no connection can be made, or None."""
    try:
        with socket.create_connection((host, port), CONNECT_WITHIN):
            return None
    except TimeoutError:
        return NO_ANSWER(lang, place=place, limit=CONNECT_WITHIN)
    except OSError as error:
        return UNREACHABLE(lang, place=place, reason=error.strerror or error)


def _time(site: Site, bus: AnyBus, lang: Lang) -> Iterator[Finding]:
    load, about = load_of(site, bus), BUS(lang, id=bus.id)
    says = " ".join(load.words(lang)).removeprefix(f"{about}: ")
    match load.fit:
        case Fit.TOO_MUCH:
            yield fail(about, says, ASK_LESS(lang))
        case Fit.CROWDED:
            yield warn(about, says, ASK_LESS(lang))
        case Fit.FITS if load.share:
            yield ok(about, BUSY(lang, share=load.share))
        case Fit.FITS:
            return
