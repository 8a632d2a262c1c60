"""Promise: what a device of the catalogue has in its registers is what the agent says of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.model import ModbusProfile
from device_profiles.registers import Type
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.planned import decode_round
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.signal import Constant
from edge_agent.simulate.slave import READS, answer
from edge_agent.simulate.sunspec import USUAL
from telemetry.sample import NOT_VALID, OUT_OF_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.channel import RegisterChannel
    from edge_agent.bus.request import Request
    from edge_agent.simulate.slave import Image
    from telemetry.sample import Flag, Value

MODBUS = {
    profile.id: profile
    for profile in map(loader.load, loader.catalogue().values())
    if isinstance(profile, ModbusProfile)
}
FUNCTIONS = {table: function for function, table in READS.items()}
EXACT_BITS = 40
"""Whole numbers of that size are exact as floats too, with any scale of the catalogue."""

PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@st.composite
def says(draw: st.DrawFn, profile: ModbusProfile) -> dict[str, Value]:
    """What a device may say, in all its channels that can be read."""
    factors = {c.id: draw(st.integers(-3, 3)) for c in profile.channels if c.type is Type.SUNSSF}
    others = [c for c in profile.channels if c.access.is_read and c.id not in factors]
    values = {c.id: draw(value_of(c, factors.get(c.sf or "", 0))) for c in others}
    return {**factors, **values}


def value_of(channel: RegisterChannel, exponent: int) -> st.SearchStrategy[Value]:
    """Any value of a channel that is not one of its codes for none."""
    if channel.type is Type.BOOL:
        return st.booleans()
    if channel.type.is_text:
        return text_of(channel)
    if channel.enum:
        return st.sampled_from(list(channel.enum.values()))
    if channel.flags:
        return st.lists(st.sampled_from(list(channel.flags.values())), unique=True).map(
            lambda names: ",".join(n for n in channel.flags.values() if n in names) or "none"
        )
    if channel.type.is_float and not channel.is_scaled:
        return st.integers(-800_000, 800_000).map(lambda eighths: eighths / 8)
    return raw_of(channel).map(lambda raw: scaled(channel, raw, exponent))


def text_of(channel: RegisterChannel) -> st.SearchStrategy[Value]:
    """Texts without blanks that would be cut, and times of a device's clock."""
    if channel.type is Type.STR:
        room = channel.width * (2 if channel.layout == "both" else 1)
        return st.text(PRINTABLE, max_size=room)
    assert channel.type is Type.IEC870, f"what can a {channel.type} say?"
    days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
    return st.builds("{}T{:%H:%M:%S}.000".format, days, st.times())


def raw_of(channel: RegisterChannel) -> st.SearchStrategy[int]:
    """Raw numbers; in a float those that it holds exactly."""
    if channel.type.is_float:
        return st.integers(-(2**23), 2**23)
    bits = min(channel.field_bits, EXACT_BITS)
    signed = channel.type.value.startswith("i")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    none = {*channel.nan, *channel.nan_reasons}
    mask = (1 << channel.field_bits) - 1
    return st.integers(low, high).filter(lambda raw: raw & mask not in none)


def scaled(channel: RegisterChannel, raw: int, exponent: int) -> Value:
    """The value that a raw number stands for, by the definition."""
    if not channel.is_scaled:
        return raw
    if channel.sf:
        return float(Decimal(raw).scaleb(exponent))
    return float(raw * channel.scale + channel.offset)


def expected(
    profile: ModbusProfile, said: Mapping[str, Value]
) -> tuple[dict[str, Value], dict[str, Flag]]:
    """What should be made of it."""
    values, flags = dict(said), dict[str, "Flag"]()
    for channel in profile.readable:
        value = said[channel.id]
        if channel.range and not (
            isinstance(value, int | float) and channel.range[0] <= value <= channel.range[1]
        ):
            flags[channel.id] = OUT_OF_RANGE
        if channel.valid_if and said[channel.valid_if.channel] != channel.valid_if.equals:
            del values[channel.id]
            flags[channel.id] = NOT_VALID
    return values, flags


def ask(request: Request, image: Image) -> list[int]:
    """The words of a device's reply."""
    head = bytes([FUNCTIONS[request.table]])
    reply = answer(head + request.address.to_bytes(2) + request.count.to_bytes(2), image, None)
    assert reply is not None
    assert reply[0] == head[0], f"{request} is refused"
    if request.table.is_bits:
        return [byte >> bit & 1 for byte in reply[2:] for bit in range(8)][: request.count]
    return [int.from_bytes(reply[at : at + 2]) for at in range(2, len(reply), 2)]


@pytest.mark.parametrize("name", MODBUS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_what_a_device_says_is_what_is_read(name: str, data: st.DataObject) -> None:
    profile = MODBUS[name]
    said = data.draw(says(profile))
    image = Replay(profile, {name: Constant(value) for name, value in said.items()}).image(0.0)
    there = profile.moved(USUAL) if profile.addressing else profile
    cost = Cost.serial(data.draw(st.sampled_from(profile.serial.baud)))

    requests = plan(
        there.channels, there.limits, cost, resets=[c for c in there.channels if c.resets]
    )
    values, flags = decode_round([(request, ask(request, image)) for request in requests], {})

    assert (values, flags) == expected(profile, said)
