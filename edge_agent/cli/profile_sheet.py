"""A profile as a technician reads it: what to set, what to trust, and every channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from device_profiles.channel import FieldChannel, RegisterChannel
from device_profiles.model import ModbusProfile
from edge_agent.cli import profile_texts as texts
from telemetry.layout import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.behaviour import Serial
    from device_profiles.channel import AnyChannel
    from device_profiles.model import AnyProfile
    from device_profiles.writing import Write
    from telemetry.language import Lang

WIDE = 22
"""Columns of a channel's name."""


def sheet(profile: AnyProfile, lang: Lang) -> Iterator[str]:
    """The lines, each of at most 80 columns."""
    yield texts.REVISION(lang, id=profile.id, revision=profile.revision)
    yield labelled("", profile.title, width=1)
    yield from _unverified(profile, lang)
    yield ""
    for label, text in _facts(profile, lang):
        yield labelled(label, text)
    yield ""
    yield texts.CHANNELS(lang, count=len(profile.channels))
    for channel in profile.channels:
        yield labelled(channel.id, "; ".join(_told(channel, lang)), indent=2, width=WIDE)
    yield from _writes(profile, lang)


def _unverified(profile: AnyProfile, lang: Lang) -> Iterator[str]:
    if profile.unverified:
        yield ""
        yield labelled("", texts.UNVERIFIED_HEAD(lang), width=1)
        yield from (labelled("  -", fact, width=3) for fact in profile.unverified)


def _facts(profile: AnyProfile, lang: Lang) -> Iterator[tuple[str, str]]:
    address = profile.unit if isinstance(profile, ModbusProfile) else profile.address
    yield texts.CLASS(lang), profile.device_class
    yield texts.STORED(lang), profile.measurement
    yield texts.PROTOCOL(lang), profile.protocol
    if address:
        yield texts.ADDRESS(lang), str(address)
    yield texts.SERIAL(lang), _line(profile.serial, lang)
    for fact in _recognition(profile, lang):
        yield texts.RECOGNISED(lang), fact
    yield texts.GROUPS(lang), ", ".join(_groups(profile, lang))
    for quirk in profile.quirks:
        yield texts.NOTE(lang), quirk
    for source in profile.sources:
        yield texts.SOURCE(lang), ", ".join(source.model_dump(exclude_defaults=True).values())


def _line(serial: Serial, lang: Lang) -> str:
    first = f"{serial.baud[0]} {serial.data_bits}{serial.parity[0]}{serial.stop_bits}"
    others = ", ".join(map(str, (*serial.baud[1:], *serial.parity[1:])))
    return texts.ALSO(lang, first=first, others=others) if others else first


def _recognition(profile: AnyProfile, lang: Lang) -> Iterator[str]:
    if isinstance(profile, ModbusProfile):
        yield from _by_registers(profile, lang)
    if profile.identify is not None and profile.identify.probe:
        yield texts.BY_VALUES(lang, names=", ".join(profile.identify.probe))


def _by_registers(profile: ModbusProfile, lang: Lang) -> Iterator[str]:
    identify = profile.identify
    if profile.addressing is not None:
        yield texts.BY_SUNSPEC(lang, model=profile.addressing.sunspec)
    if identify is not None and identify.fc43 is not None:
        facts = ", ".join(f"{k} {v}" for k, v in identify.fc43 if v is not None)
        yield texts.BY_NAMEPLATE(lang, facts=facts)
    if identify is not None and identify.read is not None:
        read = identify.read
        value = read.regex or ", ".join(map(str, read.examples))
        yield texts.BY_REGISTER(lang, place=_place(read.channel), value=value)


def _groups(profile: AnyProfile, lang: Lang) -> Iterator[str]:
    for name, group in profile.groups.items():
        if math.isinf(group.interval):
            yield texts.ONCE(lang, name=name)
        else:
            yield texts.EVERY(lang, name=name, seconds=f"{group.interval:g}")


def _place(channel: AnyChannel) -> str:
    match channel:
        case FieldChannel():
            return channel.field
        case RegisterChannel():
            order = f" {channel.order}" if channel.order else ""
            bit = "" if channel.bit is None else f" bit {channel.bit}"
            bits = "" if channel.bits is None else f" bits {channel.bits[0]}+{channel.bits[1]}"
            return f"{channel.table} {channel.address} {channel.type}{order}{bit}{bits}"


def _told(channel: AnyChannel, lang: Lang) -> Iterator[str]:
    """All there is to know of a channel, the place first."""
    yield f"{_place(channel)} {channel.unit}".rstrip()
    yield f"{channel.kind}, {texts.IN_GROUP(lang, name=channel.group)}"
    if channel.label:
        yield channel.label
    yield from _scaling(channel, lang)
    if channel.range is not None:
        yield texts.IN_RANGE(lang, low=channel.range[0], high=channel.range[1])
    codes = {**channel.enum, **channel.flags}
    if codes:
        yield ", ".join(f"{code}={name}" for code, name in codes.items())
    yield from _cautions(channel, lang)


def _scaling(channel: AnyChannel, lang: Lang) -> Iterator[str]:
    if isinstance(channel, RegisterChannel) and channel.sf is not None:
        yield texts.SCALED_BY(lang, channel=channel.sf)
    elif channel.is_scaled:
        offset = f" {channel.offset:+}" if channel.offset else ""
        yield texts.SCALED(lang, scale=f"{channel.scale}{offset}")
    if channel.wrap is not None:
        yield texts.WRAPS(lang, wrap=f"{channel.wrap:.15g}")
    if channel.deadband is not None:
        parts = (f"{channel.deadband.absolute:g}", f"{channel.deadband.percent:g} %")
        amounts = [part for part in parts if not part.startswith("0 ") and part != "0"]
        yield texts.DEADBAND(lang, amounts=", ".join(amounts))


def _cautions(channel: AnyChannel, lang: Lang) -> Iterator[str]:
    if channel.valid_if is not None:
        on, value = channel.valid_if.channel, channel.valid_if.equals
        yield texts.VALID_IF(lang, channel=on, value=value)
    if isinstance(channel, RegisterChannel) and channel.resets:
        yield texts.RESETS(lang)
    if not channel.access.is_read:
        yield texts.WRITE_ONLY(lang)
    if channel.verify:
        yield texts.CHANNEL_UNVERIFIED(lang, facts=", ".join(channel.verify))


def _writes(profile: AnyProfile, lang: Lang) -> Iterator[str]:
    declared = [(c.id, list(_write(c.write, lang))) for c in profile.channels if c.write]
    for command in profile.commands:
        danger = texts.DANGER(lang, danger=command.danger)
        declared.append((command.id, [texts.COMMAND(lang, hex=command.hex), danger]))
    if declared:
        yield ""
        yield labelled("", texts.WRITES_HEAD(lang), width=1)
    for name, facts in declared:
        yield labelled(name, "; ".join(facts), indent=2, width=WIDE)


def _write(write: Write, lang: Lang) -> Iterator[str]:
    yield texts.WRITE(lang, function=write.function)
    if write.min is not None and write.max is not None:
        yield texts.IN_RANGE(lang, low=write.min, high=write.max)
    if write.danger:
        yield texts.DANGER(lang, danger=write.danger)
