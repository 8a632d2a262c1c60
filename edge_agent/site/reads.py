"""What is read of a device: which channels, how often, by which reads, at what cost."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from device_profiles.model import ModbusProfile
from edge_agent.bus.cost import Cost
from edge_agent.bus.inquiry import inquiries
from edge_agent.bus.plan import plan
from edge_agent.bus.rounds import Reads, reads
from edge_agent.bus.settings import AsciiBus, Line, SerialBus, SerialOverTcpBus
from edge_agent.protocols import PROTOCOLS
from edge_agent.sampling.settings import wanted
from edge_agent.site.fitting import address_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_profiles.meaning import Channel
    from device_profiles.model import AnyProfile
    from edge_agent.bus.settings import AnyBus
    from edge_agent.config import DeviceSettings

C = TypeVar("C", bound="Channel")


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
