"""An agent's state as lines of 80 columns: what is wrong first, then how delivery and buses fare.

`redrawn` is what brings one picture on a terminal to the next: only the lines that differ, so
that a live view takes some ten bytes a second of a slow link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_agent.cli.progress import spoken_time
from telemetry.language import Lang, Phrase
from telemetry.layout import labelled

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

NAME = 20
"""Columns of a device's or bus's id; a longer one has a line of its own."""

WIDTHS = (10, 8, 9, 8, 7, 8)
"""Columns of what stands behind it."""

RUNNING = Phrase(en="running for {time}", vi="đang chạy được {time}")
STOPPED = Phrase(
    en="NOT running; last seen {time} ago", vi="KHÔNG chạy; thấy lần cuối {time} trước"
)
HOW_TO_START = Phrase(
    en="start it (`systemctl start city-telemetry-agent`, or `edge-agent run`)",
    vi="khởi động agent (`systemctl start city-telemetry-agent` hoặc `edge-agent run`)",
)
BUS_DOWN = Phrase(
    en="bus {bus} is down for {time} ({place}): `edge-agent check` tells why",
    vi="bus {bus} hỏng đã {time} ({place}): `edge-agent check` cho biết lý do",
)
BUS_IS_DOWN = Phrase(
    en="bus {bus} is down ({place}): `edge-agent check` tells why",
    vi="bus {bus} hỏng ({place}): `edge-agent check` cho biết lý do",
)
SILENT = Phrase(
    en="device {device} on {bus} is silent, last reply {time} ago: power, wires, address?",
    vi="thiết bị {device} trên {bus} im lặng, trả lời lần cuối {time} trước: nguồn, dây, địa chỉ?",
)
NEVER = Phrase(
    en="device {device} on {bus} has never answered: power, wires, address, speed?",
    vi="thiết bị {device} trên {bus} chưa từng trả lời: nguồn, dây, địa chỉ, tốc độ?",
)
REFUSES = Phrase(
    en="device {device} answers with exceptions ({codes}): is the profile right?",
    vi="thiết bị {device} trả lời bằng mã lỗi ({codes}): hồ sơ có đúng không?",
)
AWAY = Phrase(
    en="the broker is away; what is read waits in the outbox",
    vi="mất kết nối broker; dữ liệu đọc được đang chờ trong hộp gửi",
)
CLOCK_OFF = Phrase(
    en="the clock is not synchronised: `timedatectl`", vi="đồng hồ chưa đồng bộ: `timedatectl`"
)
LOST = Phrase(en="lost for want of room: {samples}", vi="mất vì hết chỗ lưu: {samples}")
REFUSED_THERE = Phrase(
    en="refused by the collector as unreadable: {batches}", vi="trung tâm không đọc được: {batches}"
)
ONE_BATCH, BATCHES = Phrase(en="1 batch", vi="1 lô"), Phrase(en="{n} batches", vi="{n} lô")
ONE_SAMPLE, SAMPLES = Phrase(en="1 sample", vi="1 mẫu"), Phrase(en="{n} samples", vi="{n} mẫu")
CLOCKS = {
    "synced": Phrase(en="synchronised", vi="đã đồng bộ"),
    "held": Phrase(en="held", vi="tự giữ giờ"),
    "unknown": Phrase(en="not synchronised", vi="chưa đồng bộ"),
}
CLOCK = Phrase(en="clock", vi="đồng hồ")
BROKER = Phrase(en="broker", vi="broker")
CONNECTED = Phrase(en="connected", vi="đã kết nối")
NOT_CONNECTED = Phrase(en="away", vi="mất kết nối")
READ = Phrase(en="read", vi="đã đọc")
SINCE_START = Phrase(en="{samples} since the start", vi="{samples} từ lúc khởi động")
WAITING = Phrase(en="waiting", vi="đang chờ")
DELIVERED = Phrase(en="delivered", vi="đã gửi xong")
REFUSED = Phrase(en="refused", vi="bị từ chối")
DROPPED = Phrase(en="dropped", vi="bị mất")
HIDDEN = Phrase(en="… more lines: {n}", vi="… còn {n} dòng")
LATE = Phrase(en="late replies: {n}", vi="trả lời trễ: {n}")
BUS = Phrase(en="bus", vi="bus")
HEADS = (
    Phrase(en="device", vi="thiết bị"),
    Phrase(en="state", vi="trạng thái"),
    Phrase(en="replied", vi="lần cuối"),
    Phrase(en="requests", vi="yêu cầu"),
    Phrase(en="timeouts", vi="quá hạn"),
    Phrase(en="bad", vi="hỏng"),
    Phrase(en="skipped", vi="bỏ qua"),
)
STATES = {
    "up": Phrase(en="up", vi="tốt"),
    "idle": Phrase(en="idle", vi="chưa hỏi"),
    "down": Phrase(en="down", vi="hỏng"),
    "answering": Phrase(en="answering", vi="trả lời"),
    "silent": Phrase(en="silent", vi="im lặng"),
    "not yet": Phrase(en="not yet", vi="chưa có"),
}


def batches(n: int, lang: Lang) -> str:
    """`1 batch`, `2 batches`."""
    return (ONE_BATCH if n == 1 else BATCHES)(lang, n=n)


def samples(n: int, lang: Lang) -> str:
    """`1 sample`, `2 samples`."""
    return (ONE_SAMPLE if n == 1 else SAMPLES)(lang, n=n)


def picture(state: Mapping[str, Any], now: float, lang: Lang) -> list[str]:
    """The state as lines; `now` in seconds since the epoch."""
    lines = [_head(state, now, lang)]
    lines += [labelled("!", each, width=1) for each in problems(state, lang)]
    lines += ["", *_delivery(state, lang), ""]
    lines += [_bus(bus, lang) for bus in state["buses"]]
    if state["devices"]:
        lines += ["", _row([phrase(lang) for phrase in HEADS])]
        lines += [_device(device, lang) for device in state["devices"]]
    return "\n".join(lines).splitlines()


def problems(state: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """What is wrong, with what to do; the nearest cause first."""
    if not state["running"]:
        yield HOW_TO_START(lang)
        return
    down = [bus for bus in state["buses"] if bus["state"] == "down"]
    yield from (_down(bus, lang) for bus in down)
    for device in state["devices"]:
        if device["bus"] not in {bus["id"] for bus in down}:
            yield from _of_device(device, lang)
    delivery = state["delivery"]
    if not delivery["connected"]:
        yield AWAY(lang)
    if state["clock"] == "unknown":
        yield CLOCK_OFF(lang)
    if delivery["dropped"]:
        yield LOST(lang, samples=samples(delivery["dropped"], lang))
    if delivery["refused"]:
        yield REFUSED_THERE(lang, batches=batches(delivery["refused"], lang))


def is_working(state: Mapping[str, Any]) -> bool:
    """Whether it runs, and every bus and device with it."""
    down = any(bus["state"] == "down" for bus in state["buses"])
    silent = any(device["state"] == "silent" for device in state["devices"])
    return bool(state["running"]) and not down and not silent


def shortened(lines: Sequence[str], size: os.terminal_size, lang: Lang) -> list[str]:
    """The lines, as many and as long as a terminal has room for above its last row."""
    rows = size.lines - 1
    if len(lines) > rows:
        hidden = len(lines) - rows + 1
        lines = [*lines[: rows - 1], HIDDEN(lang, n=hidden)]
    return [line if len(line) <= size.columns else line[: size.columns - 1] + "…" for line in lines]


def redrawn(before: Sequence[str], after: Sequence[str]) -> str:
    """What a terminal that shows `before` from its top needs to show `after` (ECMA-48)."""
    rows = max(len(before), len(after))
    old, new = ([*lines, *[""] * (rows - len(lines))] for lines in (before, after))
    changed = (row for row in range(rows) if old[row] != new[row])
    drawn = "".join(f"\033[{row + 1};1H{new[row]}\033[K" for row in changed)
    return drawn + f"\033[{len(after) + 1};1H" if drawn else ""


def _head(state: Mapping[str, Any], now: float, lang: Lang) -> str:
    if state["running"]:
        said = RUNNING(lang, time=spoken_time(now - state.get("started_at", now), lang))
    else:
        said = STOPPED(lang, time=spoken_time(max(0.0, now - state["at"]), lang))
    return labelled(f"agent {state['agent']} {state['version']}:", said, width=0)


def _down(bus: Mapping[str, Any], lang: Lang) -> str:
    since = bus.get("down_for")
    if since is None:
        return BUS_IS_DOWN(lang, bus=bus["id"], place=bus["place"])
    return BUS_DOWN(lang, bus=bus["id"], place=bus["place"], time=spoken_time(since, lang))


def _of_device(device: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    age = device["last_reply_age"]
    if device["state"] == "silent" and age is None:
        yield NEVER(lang, device=device["id"], bus=device["bus"])
    elif device["state"] == "silent":
        time = spoken_time(age, lang)
        yield SILENT(lang, device=device["id"], bus=device["bus"], time=time)
    elif device["exceptions"]:
        codes = ", ".join(f"{code}: {count}" for code, count in device["exceptions"].items())
        yield REFUSES(lang, device=device["id"], codes=codes)


def _delivery(state: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    delivery, clock = state["delivery"], CLOCKS.get(state["clock"])
    read = samples(state["samples_read"], lang)
    for phrase, said in (
        (CLOCK, clock(lang) if clock else state["clock"]),
        (BROKER, (CONNECTED if delivery["connected"] else NOT_CONNECTED)(lang)),
        (READ, SINCE_START(lang, samples=read)),
        (WAITING, batches(delivery["batches"], lang)),
        (DELIVERED, samples(delivery["delivered"], lang)),
        (REFUSED, batches(delivery["refused"], lang)),
        (DROPPED, samples(delivery["dropped"], lang)),
    ):
        yield labelled(phrase(lang), said, width=11)


def _bus(bus: Mapping[str, Any], lang: Lang) -> str:
    late = LATE(lang, n=bus["late_replies"])
    said = f"{STATES[bus['state']](lang)}; {bus['place']}; {late}"
    return labelled(f"{BUS(lang)} {bus['id']}", said, width=11)


def _device(device: Mapping[str, Any], lang: Lang) -> str:
    age = device["last_reply_age"]
    counts = (device[name] for name in ("requests", "timeouts", "bad_replies", "skipped"))
    last = "-" if age is None else f"{age:.0f} s"
    return _row([device["id"], STATES[device["state"]](lang), last, *map(str, counts)])


def _row(cells: Sequence[str]) -> str:
    name, state, *numbers = cells
    right = " ".join(text.rjust(width) for text, width in zip(numbers, WIDTHS[1:], strict=True))
    row = f"{state:<{WIDTHS[0]}} {right}"
    return f"{name:<{NAME}} {row}" if len(name) <= NAME else f"{name}\n{'':<{NAME}} {row}"
