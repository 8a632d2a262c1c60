"""One simulated device on a bus: its replay and its faults decide what it answers, and how late."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from edge_agent.simulate.slave import Refusal, answer, refuse

if TYPE_CHECKING:
    from edge_agent.simulate.replay import Replay
    from edge_agent.simulate.scenario import Faults
    from edge_agent.simulate.slave import Identity

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Unit:
    """A device that answers; what its registers cannot hold is a failure of the device."""

    replay: Replay
    faults: Faults
    identity: Identity | None
    _failing: bool = field(default=False, init=False)

    @property
    def delay(self) -> float:
        """Seconds that it takes to answer."""
        return self.faults.delay

    def reply(self, request: bytes, at: float) -> bytes | None:
        """The reply PDU at `at` seconds of the simulation, or None if it is silent."""
        if any(window.holds(at) for window in self.faults.silent):
            return None
        try:
            image = self.replay.image(at)
        except NotEncodable as error:
            if not self._failing:
                log.warning("%s; answers exception %d", error, Refusal.DEVICE_FAILURE)
            self._failing = True
            return refuse(request[0], Refusal.DEVICE_FAILURE)
        self._failing = False
        return answer(request, image, self.identity)
