"""One simulated device that does not speak Modbus: what it says on its line at any second.

script ─► values ─(profile)─► fields ─far end─► frames
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable, encode_field
from edge_agent.simulate.far_ends import far_end_of
from edge_agent.simulate.far_ends.far_end import UNASKED

if TYPE_CHECKING:
    from device_profiles.model import FieldProfile
    from edge_agent.simulate.far_ends.far_end import Sayings
    from edge_agent.simulate.scenario import Lapses
    from edge_agent.simulate.script import Script

log = logging.getLogger(__name__)


class Speaker:
    """A device on a line; what its frames cannot hold is a failure of the device.

    Attributes:
        script: what its channels say.
        lapses: what goes wrong with it.
        address: as its protocol spells it.
    """

    def __init__(
        self, profile: FieldProfile, script: Script, lapses: Lapses, address: str | None = None
    ) -> None:
        """Wire it up; without an address it has the one that it leaves the factory with.

        Raises:
            NotPlayed: if such a device cannot be simulated, or not at this address.
            UnknownChannel: if a channel is not the profile's.
            NotEncodable: if a channel cannot say what it begins with.
        """
        self.script = script
        self.lapses = lapses
        self.address = profile.address if address is None else address
        self._channels = {channel.id: channel for channel in profile.channels}
        fields = [channel.field for channel in profile.channels]
        self._far_end = far_end_of(profile.protocol, self.address, fields)
        self._failing = False
        script.check(profile.id, self._channels)
        for begin in script.begins:
            self._sayings(begin)

    @property
    def every(self) -> float | None:
        """Seconds between two frames that it says by itself; None if it waits to be asked."""
        return self._far_end.every

    def reply(self, data: bytes, at: float) -> bytes:
        """What it says to these bytes at `at` seconds of the simulation."""
        sayings = self._said(at)
        return b"" if sayings is None else self._far_end.answer(data, sayings)

    def speech(self, at: float) -> bytes:
        """What it says by itself at `at` seconds of the simulation."""
        sayings = self._said(at)
        return b"" if sayings is None else sayings.get(UNASKED, b"")

    def _said(self, at: float) -> Sayings | None:
        """What it has to say; None while it is silent, or fails."""
        if any(window.holds(at) for window in self.lapses.silent):
            return None
        try:
            sayings = self._sayings(at)
        except NotEncodable as error:
            if not self._failing:
                log.warning("%s; is silent", error)
            self._failing = True
            return None
        self._failing = False
        return sayings

    def _sayings(self, at: float) -> Sayings:
        values = self.script.values(at)
        return self._far_end.sayings(
            {
                self._channels[name].field: encode_field(self._channels[name], value)
                for name, value in values.items()
            }
        )
