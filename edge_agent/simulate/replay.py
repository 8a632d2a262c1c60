"""The replay of one device: its channels' values, and so its registers, at any second.

    signals ─► values ─(events)─► values said ─(profile's encoding)─► registers

The device answers for the ranges of addresses that its profile names; in a table without ranges,
from its first channel to its last. What nothing feeds reads 0.
"""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from device_profiles.encode import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_profiles.model import ModbusProfile, RegisterChannel
    from device_profiles.registers import Table
    from edge_agent.simulate.scenario import Event
    from edge_agent.simulate.signal import Signal
    from edge_agent.simulate.slave import Image
    from telemetry.sample import Value

    Ranges = Sequence[tuple[int, int]]
    """First and last addresses."""


class UnknownChannel(LookupError):
    """The profile has no channel of that name."""


class Replay:
    """One device of one profile."""

    def __init__(
        self,
        profile: ModbusProfile,
        signals: Mapping[str, Signal],
        *,
        events: Sequence[Event] = (),
        illegal: Ranges = (),
    ) -> None:
        """Wire it up; `illegal` addresses are not there, whatever the profile says.

        Raises:
            UnknownChannel: if a channel is not the profile's.
            NotEncodable: if a channel cannot say what it begins with.
        """
        self._channels = {channel.id: channel for channel in profile.channels}
        self._signals = signals
        self._events = events
        self._silent_cells = _cells(profile, illegal)
        self._said: dict[str, tuple[Value, Sequence[int]]] = {}
        for name in (*signals, *(name for event in events for name in event.set)):
            if name not in self._channels:
                raise UnknownChannel(f"profile {profile.id!r} has no channel {name!r}")
        for begin in (0.0, *(event.at for event in events)):
            self.image(begin)

    def values(self, at: float) -> dict[str, Value]:
        """What the device says at `at` seconds."""
        values = {name: signal.value(at) for name, signal in self._signals.items()}
        for event in self._events:
            if event.holds(at):
                values |= event.set
        return values

    def image(self, at: float) -> Image:
        """Its registers at `at` seconds.

        Raises:
            NotEncodable: if a channel cannot say its value.
        """
        said: dict[Table, dict[int, int]] = {table: {} for table in self._silent_cells}
        for name, value in self.values(at).items():
            channel = self._channels[name]
            cells, known = said[channel.table], self._silent_cells[channel.table]
            for address, word in enumerate(self._words(channel, value), start=channel.address):
                if address in known:  # channels may share a register, each with its own bits
                    cells[address] = cells.get(address, 0) | word
        return {table: ChainMap(said[table], known) for table, known in self._silent_cells.items()}

    def _words(self, channel: RegisterChannel, value: Value) -> Sequence[int]:
        """The channel's words; kept until its value changes, because most hold on for long."""
        said = self._said.get(channel.id)
        if said is None or said[0] != value:
            said = self._said[channel.id] = (value, encode(channel, value))
        return said[1]


def _cells(profile: ModbusProfile, illegal: Ranges) -> dict[Table, dict[int, int]]:
    """The addresses that are there, by table: 0, but for the register that names the model."""
    tables = dict.fromkeys(channel.table for channel in profile.channels)
    cells = {
        table: {
            address: 0
            for low, high in profile.limits.ranges.get(table) or _extent(profile, table)
            for address in range(low, high + 1)
            if not any(first <= address <= last for first, last in illegal)
        }
        for table in tables
    }
    known = profile.identify and profile.identify.read
    if known and known.examples:
        named = enumerate(encode(known.channel, known.examples[0]), start=known.address)
        cells.setdefault(known.table, {}).update(named)
    return cells


def _extent(profile: ModbusProfile, table: Table) -> Ranges:
    channels = [channel for channel in profile.channels if channel.table is table]
    return [(min(c.address for c in channels), max(c.end for c in channels) - 1)]
