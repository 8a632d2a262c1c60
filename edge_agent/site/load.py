"""How much of each bus's time a site asks for, whether that fits, and what would make it fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edge_agent.bus.settings import Line
from edge_agent.site.site import site_device
from telemetry.language import Lang, Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge_agent.bus.settings import AnyBus
    from edge_agent.site.site import Site, SiteDevice

CROWDED = 0.8
"""The part of a bus's time beyond which retries and slow replies make it skip polls."""

TOO_MUCH = Phrase(
    en="bus {bus}: asked for {share} % of its time, which it does not have.",
    vi="bus {bus}: cần {share} % thời gian của đường truyền, không thể đáp ứng.",
)
TIGHT = Phrase(
    en="bus {bus}: {share} % busy; beyond {crowded} % slow replies make it skip polls.",
    vi="bus {bus}: bận {share} %; trên {crowded} % thì trả lời chậm sẽ làm mất lượt đọc.",
)
LESS_OFTEN = Phrase(
    en="Read {times} times less often (interval); {device} alone takes {part} %.",
    vi="Hãy đọc thưa hơn {times} lần (interval); riêng {device} chiếm {part} %.",
)
FASTER = Phrase(
    en="At {baud} baud, which every device on it knows, it would be {share} %.",
    vi="Ở tốc độ {baud} baud mà mọi thiết bị đều hỗ trợ, sẽ còn {share} %.",
)


class Fit(StrEnum):
    """Whether a plan fits its bus."""

    FITS = "fits"
    CROWDED = "crowded"
    TOO_MUCH = "too much"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a site asks of one bus.

    Attributes:
        share: the part of its time, above 1 for more than it has.
        parts: each device's, the largest first.
        worst: seconds that everything takes when it is due at once, as at the start.
        shortest: the shortest interval on it, in seconds; None without any.
        faster: a higher speed that all its devices know, and the share there.
    """

    bus: str
    share: float
    parts: tuple[tuple[str, float], ...]
    worst: float
    shortest: float | None
    faster: tuple[int, float] | None

    @property
    def fit(self) -> Fit:
        """Whether it fits."""
        if self.share > 1:
            return Fit.TOO_MUCH
        return Fit.CROWDED if self.share > CROWDED else Fit.FITS

    def words(self, lang: Lang) -> Iterator[str]:
        """What is wrong and what to change, a sentence each; nothing if it fits."""
        share = percent(self.share)
        match self.fit:
            case Fit.FITS:
                return
            case Fit.CROWDED:
                yield TIGHT(lang, bus=self.bus, share=share, crowded=percent(CROWDED))
            case Fit.TOO_MUCH:
                yield TOO_MUCH(lang, bus=self.bus, share=share)
        device, part = self.parts[0]
        times = f"{math.ceil(self.share / CROWDED * 10) / 10:g}"
        yield LESS_OFTEN(lang, times=times, device=device, part=percent(part))
        if self.faster is not None:
            baud, there = self.faster
            yield FASTER(lang, baud=baud, share=percent(there))


def percent(share: float) -> str:
    """A share of 0.174 as `17.4`."""
    return f"{share * 100:.1f}".removesuffix(".0")


def load_of(site: Site, bus: AnyBus) -> Load:
    """What a site asks of one of its buses."""
    devices = site.on(bus.id)
    share = sum(device.load for device in devices)
    rounds = [(device, each) for device in devices for each in device.rounds]
    intervals = [each.interval for _, each in rounds if math.isfinite(each.interval)]
    return Load(
        bus=bus.id,
        share=share,
        parts=tuple(sorted(((d.id, d.load) for d in devices), key=lambda each: -each[1])),
        worst=sum(each.seconds(device.cost) for device, each in rounds),
        shortest=min(intervals, default=None),
        faster=_faster(bus, devices) if share > CROWDED else None,
    )


def loads(site: Site) -> list[Load]:
    """Of every bus, as configured."""
    return [load_of(site, bus) for bus in site.config.buses]


def _faster(bus: AnyBus, devices: Sequence[SiteDevice]) -> tuple[int, float] | None:
    """The lowest higher speed at which all is well, or else the highest; None if there is none."""
    if not isinstance(bus, Line):
        return None
    known = set[int].intersection(*(set(device.profile.serial.baud) for device in devices))
    found: tuple[int, float] | None = None
    for baud in sorted(baud for baud in known if baud > bus.baud):
        there = bus.model_copy(update={"baud": baud})
        share = sum(site_device(d.settings, there, d.profile).load for d in devices)
        found = baud, share
        if share <= CROWDED:
            break
    return found
