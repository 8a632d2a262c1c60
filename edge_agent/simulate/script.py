"""What a device's channels say at any second: signals, and events while they last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from edge_agent.simulate.scenario import Event
    from edge_agent.simulate.signal import Signal
    from telemetry.sample import Value


class UnknownChannel(LookupError):
    """The profile has no channel of that name."""


@dataclass(frozen=True, slots=True)
class Script:
    """One device's part.

    Attributes:
        signals: what its channels say, by their id.
        events: what they say instead at times.
    """

    signals: Mapping[str, Signal]
    events: Sequence[Event] = ()

    @property
    def begins(self) -> tuple[float, ...]:
        """The seconds at which it begins, and its events do."""
        return (0.0, *(event.at for event in self.events))

    def values(self, at: float) -> dict[str, Value]:
        """What the device says at `at` seconds."""
        values = {name: signal.value(at) for name, signal in self.signals.items()}
        for event in self.events:
            if event.holds(at):
                values |= event.set
        return values

    def check(self, profile: str, channels: Collection[str]) -> None:
        """Whether such a profile has all that it names.

        Raises:
            UnknownChannel: if a channel is not the profile's.
        """
        for name in (*self.signals, *(name for event in self.events for name in event.set)):
            if name not in channels:
                raise UnknownChannel(
                    f"profile {profile!r} has no channel {name!r}; "
                    f"`edge-agent profiles show {profile}` lists them"
                )
