"""A profile's examples, held against what the channels make of their bytes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from device_profiles.channel import RegisterChannel
from device_profiles.model import FieldProfile, ModbusProfile
from device_profiles.references import depended_on
from device_profiles.registers import Type
from edge_agent.bus.inquiry import inquiries
from edge_agent.bus.planned import decode_round
from edge_agent.bus.request import Request, decode_reply
from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.conversation import Refused, replay
from telemetry.sample import NO_REPLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.evidence import Example, RegisterExample
    from device_profiles.meaning import Channel
    from device_profiles.model import AnyProfile
    from telemetry.sample import Flag, Value
    from telemetry.settings import Place

TOLERANCE = {Type.F16: 1e-3, Type.F32: 1e-6}
"""How far (relative) a value may be off what these types hold, so that 230.1 may be written.

A protocol's floats are, where they are binary at all, of 32 bits.
"""


def problems(profile: AnyProfile) -> Iterator[tuple[Place, str]]:
    """What the examples say and the channels do not, each with its place in the profile."""
    match profile:
        case ModbusProfile():
            for index, of_registers in enumerate(profile.examples):
                for problem in _wrong_in_registers(profile, of_registers):
                    yield ("examples", index), f"({of_registers.source}) {problem}"
        case FieldProfile():
            unknown = list(_unknown_to_protocol(profile))
            yield from unknown
            for index, example in enumerate(() if unknown else profile.examples):
                for problem in _wrong_in_frames(profile, example):
                    yield ("examples", index), f"({example.source}) {problem}"


def unproven(profile: AnyProfile) -> tuple[str, ...]:
    """The channels of which no example says what they should be."""
    proven = {name for example in profile.examples for name in (*example.values, *example.flags)}
    return tuple(channel.id for channel in profile.readable if channel.id not in proven)


def _wrong_in_registers(profile: ModbusProfile, example: RegisterExample) -> Iterator[str]:
    known = {channel.id: channel for channel in profile.channels}
    named = [channel for channel in profile.channels if _names(example, channel)]
    needed = {part for channel in named for part in depended_on(channel.id, known)}
    beside = tuple(known[name] for name in needed - {channel.id for channel in named})
    words = example.words
    request = Request(example.table, example.address, len(words), tuple(named), beside)
    values, flags = decode_reply(request, words)
    for channel in named:
        yield from _difference(channel, example, values.get(channel.id), flags.get(channel.id))


def _unknown_to_protocol(profile: FieldProfile) -> Iterator[tuple[Place, str]]:
    """The address or the fields that the protocol does not know."""
    whole = _refusal(profile, *(channel.field for channel in profile.channels))
    if whole is None:
        return
    each = {index: _refusal(profile, c.field) for index, c in enumerate(profile.channels)}
    if len(each) > 1 and set(each.values()) == {whole}:
        yield ("address",), whole
        return
    yield from ((("channels", index), why) for index, why in each.items() if why is not None)


def _refusal(profile: FieldProfile, *fields: str) -> str | None:
    """Why the protocol cannot ask for these; None if it can."""
    try:
        PROTOCOLS[profile.protocol].questions(profile.address, fields)
    except ValueError as error:
        return str(error)
    return None


def _wrong_in_frames(profile: FieldProfile, example: Example) -> Iterator[str]:
    named = [channel for channel in profile.channels if _names(example, channel)]
    conditions = {channel.valid_if.channel for channel in named if channel.valid_if is not None}
    needed = [c for c in profile.channels if c in named or c.id in conditions]
    asked = inquiries(PROTOCOLS[profile.protocol], profile.address, needed)
    try:
        answers = [(inquiry, replay(inquiry.question, example.data)) for inquiry in asked]
    except Refused as refused:
        yield f"the device refuses: {refused}"
        return
    silent = {c.id: NO_REPLY for inquiry, said in answers if said is None for c in inquiry.channels}
    replies = [(inquiry, said) for inquiry, said in answers if said is not None]
    values, flags = decode_round(replies, silent)
    for channel in named:
        if channel.id in silent:
            yield f"channel {channel.id!r}: these bytes are no answer that has {channel.field!r}"
        else:
            yield from _difference(channel, example, values.get(channel.id), flags.get(channel.id))


def _names(example: Example, channel: Channel) -> bool:
    return channel.id in example.values or channel.id in example.flags


def _difference(
    channel: Channel, example: Example, value: Value | None, flag: Flag | None
) -> Iterator[str]:
    expected = example.values.get(channel.id)
    if not _is_same(channel, expected, value):
        yield f"channel {channel.id!r} should be {expected!r}, and is {value!r}"
    wanted, had = example.flags.get(channel.id, "good"), str(flag or "good")
    if wanted != had:
        yield f"channel {channel.id!r} should be {wanted}, and is {had}"


def _is_same(channel: Channel, expected: Value | None, value: Value | None) -> bool:
    if isinstance(expected, float | int) and isinstance(value, float) and not channel.is_scaled:
        return math.isclose(expected, value, rel_tol=_tolerance(channel))
    return expected == value and isinstance(expected, bool) == isinstance(value, bool)


def _tolerance(channel: Channel) -> float:
    kind = channel.type if isinstance(channel, RegisterChannel) else Type.F32
    return TOLERANCE.get(kind, 0.0)
