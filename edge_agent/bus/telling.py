"""What a bus says in the log: each change once, with what is needed to act."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from device_profiles.channel import FieldChannel, RegisterChannel
from edge_agent.bus.failures import DeviceRefused
from edge_agent.bus.health import LONGEST_PAUSE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from device_profiles.meaning import Channel
    from edge_agent.bus.failures import ReadFailed
    from edge_agent.bus.rounds import Round

logger = logging.getLogger(__name__)


class Telling:
    """The log lines of the bus `bus`, whose port a technician calls `place`."""

    def __init__(self, bus: str, place: str) -> None:
        self._bus = bus
        self._place = place
        self._refused: set[tuple[str, str]] = set()

    def down(self, reason: object) -> None:
        """The port could not be opened."""
        logger.warning("bus %s: %s is down: %s", self._bus, self._place, reason)

    def reopened(self, after: float) -> None:
        """It is open again, after so many seconds."""
        logger.info("bus %s: reopened after %d s", self._bus, after)

    def silent(self, device: str, pause: float) -> None:
        """A device does not answer, and is left alone for `pause` seconds."""
        logger.warning(
            "device %s on bus %s: no reply; asked again in %d s, then less often",
            device,
            self._bus,
            pause,
        )

    def back(self, device: str, after: float) -> None:
        """It answers again, after so many seconds."""
        logger.info("device %s on bus %s: back after %d s", device, self._bus, after)

    def refuses_all(self, each: Round, said: ReadFailed) -> None:
        """Nothing of a round is answered; `said` is the device's word."""
        logger.warning(
            "device %s on bus %s: it refuses all of %s: %s; is the profile right? "
            "Asked again every %d s at most",
            each.device,
            self._bus,
            ", ".join(f"{_spot(channel)} ({channel.id})" for channel in each.channels),
            said,
            LONGEST_PAUSE,
        )

    def refuses(
        self, each: Round, refused: Collection[str], said: Mapping[str, ReadFailed]
    ) -> None:
        """Some channels of a round are refused; each is told once, with what the device `said`."""
        for channel in each.channels:
            if channel.id in refused and (each.device, channel.id) not in self._refused:
                self._refused.add((each.device, channel.id))
                logger.warning(
                    "device %s on bus %s: %s; not asked for now",
                    each.device,
                    self._bus,
                    _refusal(channel, said.get(channel.id)),
                )


def _refusal(channel: Channel, said: ReadFailed | None) -> str:
    if isinstance(said, DeviceRefused):
        return f"it refuses {_spot(channel)} (channel {channel.id}): {said}"
    return f"it has no {_spot(channel, 'register ')} (channel {channel.id})"


def _spot(channel: Channel, kind: str = "") -> str:
    """What the device calls it: `holding 500`, `02010200`."""
    if isinstance(channel, RegisterChannel):
        return f"{channel.table} {kind}{channel.address}"
    assert isinstance(channel, FieldChannel)  # noqa: S101 - there is no third kind
    return channel.field
