"""What one part of a profile says of another: that it is there, and can be read together with it.

Each check yields where in the profile it went wrong and what is wrong; an index among `channels`
is that of the channel, not of the entry that it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from device_profiles.registers import Type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from device_profiles.behaviour import Group, Limits
    from device_profiles.channel import RegisterChannel
    from device_profiles.evidence import Example, RegisterExample
    from device_profiles.identify import Identify, KnownRegister, Probe
    from device_profiles.meaning import Channel, ValidIf
    from telemetry.settings import Place

    Problems = Iterator[tuple[Place, str]]

C = TypeVar("C", bound="Channel")


def among_channels(channels: Sequence[Channel], groups: Mapping[str, Group]) -> Problems:
    """Ids, groups, and the conditions under which channels hold."""
    known = _by_id(channels)
    seen: set[str] = set()
    for index, channel in enumerate(channels):
        place: Place = ("channels", index)
        if channel.id in seen:
            yield place, f"id {channel.id!r} stands twice"
        seen.add(channel.id)
        if channel.group not in groups:
            yield place, f"group {channel.group!r} is not among {', '.join(groups)}"
        if channel.valid_if is not None:
            for problem in _of_condition(channel, channel.valid_if, known):
                yield (*place, "valid_if"), problem


def _of_condition(
    channel: Channel, valid_if: ValidIf, known: Mapping[str, Channel]
) -> Iterator[str]:
    target = known.get(valid_if.channel)
    if target is None:
        yield f"there is no channel {valid_if.channel!r}"
        return
    yield from _unfit(channel, target)
    if target.valid_if is not None:
        yield f"channel {target.id!r} depends on another one itself"
    yield from _never(target, valid_if)


def _unfit(channel: Channel, target: Channel) -> Iterator[str]:
    """Why `target` is not read whenever `channel` is."""
    if target.id == channel.id:
        yield "a channel cannot depend on itself"
    if target.group != channel.group:
        yield f"channel {target.id!r} is read in group {target.group!r}, not {channel.group!r}"
    if not target.access.is_read:
        yield f"channel {target.id!r} cannot be read"


def _never(target: Channel, valid_if: ValidIf) -> Iterator[str]:
    """Why `target` cannot have the value that it should have."""
    value = valid_if.equals
    fits = {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if not fits[target.stored]:
        yield f"channel {target.id!r} is {target.stored}, and never {value!r}"
    elif target.enum and value not in target.enum.values():
        known = ", ".join(target.enum.values())
        yield f"channel {target.id!r} is never {value!r}; known are {known}"


def among_registers(channels: Sequence[RegisterChannel], limits: Limits) -> Problems:
    """Scale factors, what one read can hold, and what reading changes."""
    known = _by_id(channels)
    for index, channel in enumerate(channels):
        for problem in _misfits(channel, limits):
            yield ("channels", index), problem
        if channel.sf is not None:
            for problem in _of_factor(channel, channel.sf, known):
                yield ("channels", index, "sf"), problem
        if channel.resets:
            for other in _sharing(channel, channels):
                yield ("channels", index), f"reading {other.id!r} would reset {channel.id!r}"
    if limits.coherent:
        yield from _incoherent(channels, limits)


def _incoherent(channels: Sequence[RegisterChannel], limits: Limits) -> Problems:
    """Groups that no single read can hold."""
    if limits.one_channel_per_request:
        yield ("limits",), "what is read one by one is not coherent"
    groups: dict[tuple[str, str], list[RegisterChannel]] = {}
    for channel in channels:
        groups.setdefault((channel.group, channel.table), []).append(channel)
    for (group, table), members in groups.items():
        span = max(c.end for c in members) - min(c.address for c in members)
        if span > limits.room(members[0].table) or len(set(map(limits.bounds, members))) > 1:
            yield ("limits", "coherent"), f"no read holds all {table} registers of group {group!r}"


def _misfits(channel: RegisterChannel, limits: Limits) -> Iterator[str]:
    room = limits.room(channel.table)
    if channel.width > room:
        yield f"{channel.id!r} is {channel.width} registers wide; one read takes {room}"
    if limits.bounds(channel) is None:
        ranges = [list(pair) for pair in limits.ranges[channel.table]]
        last = channel.end - 1
        yield f"{channel.address} to {last} is in none of the {channel.table} ranges {ranges}"


def _of_factor(
    channel: RegisterChannel, name: str, known: Mapping[str, RegisterChannel]
) -> Iterator[str]:
    factor = known.get(name)
    if factor is None:
        yield f"there is no channel {name!r}"
        return
    yield from _unfit(channel, factor)
    if factor.is_scaled or factor.valid_if is not None:
        yield f"channel {name!r} is itself scaled, or holds but sometimes"
    if factor.type is not Type.SUNSSF:
        yield f"channel {name!r} is of type {factor.type}, not sunssf"


def _sharing(
    channel: RegisterChannel, channels: Sequence[RegisterChannel]
) -> Iterator[RegisterChannel]:
    """The others that are read from registers of this one."""
    for other in channels:
        if other is not channel and other.access.is_read and _overlap(channel, other):
            yield other


def _overlap(channel: RegisterChannel, other: RegisterChannel) -> bool:
    return (
        channel.table is other.table and channel.address < other.end and other.address < channel.end
    )


def of_probe(identify: Probe, channels: Sequence[Channel]) -> Problems:
    """Channels by which a device is recognised."""
    known = _by_id(channels)
    for index, name in enumerate(identify.probe):
        channel = known.get(name)
        if channel is None:
            problem = f"there is no channel {name!r}"
        elif not channel.access.is_read:
            problem = f"channel {name!r} cannot be read"
        elif channel.range is None and not channel.enum:
            problem = f"channel {name!r} has neither range nor enum: any value would fit"
        else:
            continue
        yield ("identify", "probe", index), problem


def of_identity(
    identify: Identify, channels: Sequence[RegisterChannel], limits: Limits
) -> Problems:
    """Registers by which a device is recognised: a guess must change nothing."""
    known = _by_id(channels)
    for index, name in enumerate(identify.probe):
        if name in known and known[name].resets:
            yield ("identify", "probe", index), f"reading {name!r} resets it"
    if identify.read is not None:
        for problem in _of_register(identify.read, channels, limits):
            yield ("identify", "read"), problem


def _of_register(
    read: KnownRegister, channels: Sequence[RegisterChannel], limits: Limits
) -> Iterator[str]:
    yield from _misfits(read.channel, limits)
    for channel in channels:
        if channel.resets and _overlap(channel, read.channel):
            yield f"reading it would reset {channel.id!r}"


def of_examples(examples: Sequence[Example], channels: Sequence[Channel]) -> Problems:
    """Channels of which examples speak."""
    known = _by_id(channels)
    for index, example in enumerate(examples):
        for name in (*example.values, *example.flags):
            if name not in known:
                yield ("examples", index), f"there is no channel {name!r}"


def of_bytes(examples: Sequence[RegisterExample], channels: Sequence[RegisterChannel]) -> Problems:
    """Whether what examples speak of is within their bytes."""
    known = _by_id(channels)
    for index, example in enumerate(examples):
        for name in (*example.values, *example.flags):
            for part in depended_on(name, known):
                if not _within(known[part], example):
                    yield ("examples", index), f"channel {part!r} is not within these bytes"


def depended_on(name: str, known: Mapping[str, RegisterChannel]) -> Iterator[str]:
    """The channel and those that its value depends on, as far as they are known."""
    if name in known:
        channel = known[name]
        condition = None if channel.valid_if is None else channel.valid_if.channel
        yield from (part for part in (name, channel.sf, condition) if part and part in known)


def _within(channel: RegisterChannel, example: RegisterExample) -> bool:
    return (
        channel.table is example.table
        and example.address <= channel.address
        and channel.end <= example.end
    )


def _by_id(channels: Sequence[C]) -> dict[str, C]:
    return {channel.id: channel for channel in channels}
