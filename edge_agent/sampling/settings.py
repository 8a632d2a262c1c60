"""What a site says of a device's channels, over what the profile says."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from pydantic import StrictBool

from device_profiles.channel import RegisterChannel
from device_profiles.sampling import Deadband, Tests
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from device_profiles.meaning import Channel

C = TypeVar("C", bound="Channel")


class ChannelSettings(Settings):
    """One channel; what is not given stays as the profile has it, and `null` takes it away.

    Attributes:
        off: it is not read at all.
        range: lowest and highest credible value.
        tests: each of them by itself.
    """

    off: StrictBool = False
    range: tuple[float, float] | None = None
    deadband: Deadband | None = None
    tests: Tests | None = None

    def over(self, channel: C) -> C:
        """The channel as the site wants it."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"off"}}
        if self.tests is not None:
            own = {name: getattr(self.tests, name) for name in self.tests.model_fields_set}
            given["tests"] = (channel.tests or Tests()).model_copy(update=own)
        return channel.model_copy(update=given)


def wanted(channels: Iterable[C], said: Mapping[str, ChannelSettings]) -> tuple[C, ...]:
    """The channels that are read, as the site wants them."""
    return tuple(
        said[channel.id].over(channel) if channel.id in said else channel
        for channel in channels
        if channel.access.is_read and not (channel.id in said and said[channel.id].off)
    )


def misfits(
    channels: Iterable[Channel], said: Mapping[str, ChannelSettings]
) -> Iterator[tuple[str, str]]:
    """What a site says of channels and cannot: the device's key, and why."""
    known = {channel.id: channel for channel in channels}
    left = wanted(known.values(), said)
    needed = dict(_needed(left))
    for name, own in said.items():
        key = f"channels.{name}"
        if name not in known:
            yield key, f"there is no such channel{_suggestion(name, known)}"
        elif not known[name].access.is_read:
            yield key, "is never read"
        elif own.off and name in needed:
            yield key, f"cannot be off: {needed[name]} needs it"
        else:
            yield from ((key, problem) for problem in _unfit(own, known[name]))
    if not left:
        yield "channels", "all are off: take the device away"


def _needed(channels: Iterable[Channel]) -> Iterator[tuple[str, str]]:
    """Channels that others lean on, and those others."""
    for channel in channels:
        if channel.valid_if is not None:
            yield channel.valid_if.channel, channel.id
        if isinstance(channel, RegisterChannel) and channel.sf is not None:
            yield channel.sf, channel.id


def _unfit(own: ChannelSettings, channel: Channel) -> Iterator[str]:
    given = [key for key in ("range", "deadband", "tests") if getattr(own, key) is not None]
    if given and not channel.is_number:
        yield f"{' and '.join(given)} cannot be said of {channel.stored} values"
    if own.range is not None and not own.range[0] <= own.range[1]:
        yield f"range {list(own.range)} should be [lowest, highest]"


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
