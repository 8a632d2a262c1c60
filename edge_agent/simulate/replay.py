"""The replay of one device: its channels' values, and so its registers, at any second.

    signals ─► values ─(events)─► values said ─(profile's encoding)─► registers

The device answers for the ranges of addresses that its profile names; in a table without ranges,
from its first channel to its last. What nothing feeds reads 0.
"""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from device_profiles.encode import encode
from device_profiles.registers import Table
from edge_agent.simulate.script import Script
from edge_agent.simulate.sunspec import USUAL, around

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_profiles.channel import RegisterChannel
    from device_profiles.model import ModbusProfile
    from edge_agent.simulate.scenario import Event
    from edge_agent.simulate.signal import Signal
    from edge_agent.simulate.slave import Image
    from telemetry.sample import Value

    Ranges = Sequence[tuple[int, int]]
    """First and last addresses."""


class Replay:
    """One device of one profile."""

    def __init__(
        self,
        profile: ModbusProfile,
        signals: Mapping[str, Signal],
        *,
        offset: int = 0,
        events: Sequence[Event] = (),
        illegal: Ranges = (),
    ) -> None:
        """Wire it up.

        Args:
            profile: of the device.
            signals: what its channels say; those that are not named read as 0.
            offset: where its registers begin; of a SunSpec model, if not said, where most do.
            events: what they say instead at times.
            illegal: addresses that are not there, whatever the profile says.

        Raises:
            UnknownChannel: if a channel is not the profile's.
            NotEncodable: if a channel cannot say what it begins with.
            NoRoom: if a SunSpec model cannot begin there.
        """
        beside: dict[int, int] = {}
        if profile.addressing is not None:
            offset = offset or USUAL
            beside = around(profile.addressing, offset)
        profile = profile.moved(offset) if offset else profile
        self._channels = {channel.id: channel for channel in profile.channels}
        self._script = Script(signals, events)
        self._silent_cells = _cells(profile, beside, illegal)
        self._said: dict[str, tuple[tuple[Value, int], Sequence[int]]] = {}
        self._script.check(profile.id, self._channels)
        for begin in self._script.begins:
            self.image(begin)

    def values(self, at: float) -> dict[str, Value]:
        """What the device says at `at` seconds."""
        return self._script.values(at)

    def image(self, at: float) -> Image:
        """Its registers at `at` seconds.

        Raises:
            NotEncodable: if a channel cannot say its value.
        """
        said: dict[Table, dict[int, int]] = {table: {} for table in self._silent_cells}
        values = self.values(at)
        for name, value in values.items():
            channel = self._channels[name]
            exponent = int(values.get(channel.sf, 0)) if channel.sf else 0
            cells, known = said[channel.table], self._silent_cells[channel.table]
            words = self._words(channel, value, exponent)
            for address, word in enumerate(words, start=channel.address):
                if address in known:  # channels may share a register, each with its own bits
                    cells[address] = cells.get(address, 0) | word
        return {table: ChainMap(said[table], known) for table, known in self._silent_cells.items()}

    def _words(self, channel: RegisterChannel, value: Value, exponent: int) -> Sequence[int]:
        """The channel's words; kept until its value changes, because most hold on for long."""
        said = self._said.get(channel.id)
        if said is None or said[0] != (value, exponent):
            words = encode(channel, value, exponent=exponent)
            said = self._said[channel.id] = ((value, exponent), words)
        return said[1]


def _cells(
    profile: ModbusProfile, beside: Mapping[int, int], illegal: Ranges
) -> dict[Table, dict[int, int]]:
    """The addresses that are there, by table: 0, but for what names the model.

    `beside` are holding registers that are there whatever the profile says.
    """
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
    for address, word in beside.items():
        if not any(first <= address <= last for first, last in illegal):
            cells.setdefault(Table.HOLDING, {}).setdefault(address, word)
    known = profile.known_register
    if known and known.examples:
        named = enumerate(encode(known.channel, known.examples[0]), start=known.address)
        cells.setdefault(known.table, {}).update(named)
    return cells


def _extent(profile: ModbusProfile, table: Table) -> Ranges:
    channels = [channel for channel in profile.channels if channel.table is table]
    return [(min(c.address for c in channels), max(c.end for c in channels) - 1)]
