"""A device of a configuration to what is read of it: channels, how often, by which requests."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from device_profiles.model import ModbusProfile
from device_profiles.registers import ADDRESS_MAX
from edge_agent.bus.cost import Cost
from edge_agent.bus.inquiry import inquiries
from edge_agent.bus.plan import plan
from edge_agent.bus.rounds import Reads, reads
from edge_agent.bus.settings import AsciiBus, Line, SerialBus, SerialOverTcpBus
from edge_agent.protocols import PROTOCOLS
from edge_agent.sampling.settings import misfits as misfits_of_channels
from edge_agent.sampling.settings import wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from device_profiles.meaning import Channel
    from device_profiles.model import AnyProfile
    from edge_agent.bus.settings import AnyBus
    from edge_agent.config import DeviceSettings

C = TypeVar("C", bound="Channel")


def misfits(device: DeviceSettings, bus: AnyBus, profile: AnyProfile) -> Iterator[tuple[str, str]]:
    """Why such a device cannot be on that bus: the key at fault, and what is wrong."""
    yield from misfits_of_channels(profile.channels, device.channels)
    speaks_modbus = not isinstance(bus, SerialBus | SerialOverTcpBus)
    if isinstance(profile, ModbusProfile):
        if not speaks_modbus:
            says = f"{profile.id} speaks Modbus, and bus {bus.id!r} is {bus.transport}"
            yield "bus", f"{says}; it needs one of modbus-rtu, modbus-tcp and so on"
        if device.address is not None:
            yield "address", f"{profile.id} speaks Modbus, whose addresses are units: say unit"
        yield from _misplaced(device.offset, profile)
        return
    if speaks_modbus:
        needs = "it needs serial or serial-over-tcp"
        says = f"{profile.id} speaks {profile.protocol}, and bus {bus.id!r} is {bus.transport}"
        yield "bus", f"{says}; {needs}"
    if "unit" in device.model_fields_set:
        yield "unit", f"{profile.id} speaks {profile.protocol}, not Modbus: say address"
    if device.offset:
        yield "offset", f"{profile.id} speaks {profile.protocol}, which has no registers to move"
    if profile.protocol not in PROTOCOLS:
        yield "profile", f"nothing here speaks {profile.protocol} yet"
        return
    try:
        inquiries(PROTOCOLS[profile.protocol], address_of(device, profile), profile.channels)
    except ValueError as error:
        yield "profile" if device.address is None else "address", str(error)


def _misplaced(offset: int, profile: ModbusProfile) -> Iterator[tuple[str, str]]:
    """Why the registers of such a device cannot begin there."""
    if profile.addressing is not None and not offset:
        says = f"where SunSpec model {profile.addressing.sunspec} begins depends on the device"
        yield "offset", f"{says}; `edge-agent scan` of its bus finds the offset"
    elif profile.end + offset > ADDRESS_MAX + 1:
        most = ADDRESS_MAX + 1 - profile.end
        yield "offset", f"is at most {most}: the last register of {profile.id} is {profile.end - 1}"


def placed(device: DeviceSettings, profile: AnyProfile) -> AnyProfile:
    """The profile with its registers where this device has them."""
    if isinstance(profile, ModbusProfile) and device.offset:
        return profile.moved(device.offset)
    return profile


def address_of(device: DeviceSettings, profile: AnyProfile) -> str:
    """Where a device is on its bus, as its protocol spells that."""
    if isinstance(profile, ModbusProfile):
        return str(device.unit)
    return profile.address if device.address is None else device.address


def cost_on(bus: AnyBus, profile: AnyProfile) -> Cost:
    """What reading such a device takes of the bus's time."""
    turnaround = profile.timing.turnaround
    match bus:
        case SerialBus() | SerialOverTcpBus():
            return Cost.stream(bus.baud, char_bits=bus.wire.bits, turnaround=turnaround)
        case AsciiBus():
            return Cost.ascii(bus.baud, char_bits=bus.wire.bits, turnaround=turnaround)
        case Line():
            return Cost.serial(bus.baud, char_bits=bus.wire.bits, turnaround=turnaround)
        case _:
            return Cost.tcp()


def reads_of(device: DeviceSettings, profile: AnyProfile, cost: Cost) -> Reads:
    """The reads of a device at each of its intervals."""
    own = device.channels
    if isinstance(profile, ModbusProfile):
        resets = tuple(channel for channel in profile.channels if channel.resets)
        registers = partial(plan, limits=profile.limits, cost=cost, resets=resets)
        return reads(_by_interval(device, profile, wanted(profile.channels, own)), registers, cost)
    spoken, address = PROTOCOLS[profile.protocol], address_of(device, profile)
    exchanges = partial(inquiries, spoken, address)
    return reads(_by_interval(device, profile, wanted(profile.channels, own)), exchanges, cost)


def _by_interval(
    device: DeviceSettings, profile: AnyProfile, channels: Iterable[C]
) -> Mapping[float, list[C]]:
    """Channels that are wanted, by the interval at which they are read.

    A site's own interval is for the fastest group; the others are never faster, and what is read
    once stays so.
    """
    readable = list(channels)
    own = {channel.group: profile.groups[channel.group].interval for channel in readable}
    fastest = min(own.values(), default=math.inf)
    found: defaultdict[float, list[C]] = defaultdict(list)
    for channel in readable:
        interval = own[channel.group]
        if device.interval is not None and math.isfinite(interval):
            interval = device.interval if interval == fastest else max(interval, device.interval)
        found[interval].append(channel)
    return found
