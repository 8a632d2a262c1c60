"""Every device's pipeline, made of what its channels and the site ask for."""

from __future__ import annotations

import logging
import math
from functools import partial
from typing import TYPE_CHECKING

from device_profiles.meaning import ChannelKind
from edge_agent.sampling.course import Course, counter, gauge
from edge_agent.sampling.flat import Flat
from edge_agent.sampling.pipeline import Judges, Pipeline
from edge_agent.sampling.report import Report
from edge_agent.sampling.spike import Spike

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_profiles.meaning import Channel
    from edge_agent.sampling.pipeline import Counts
    from edge_agent.site.site import SiteDevice
    from telemetry.sample import Sample

logger = logging.getLogger(__name__)

GAP_INTERVALS = 3
"""Intervals without a reading after which a test knows nothing of what came before."""


class Sampling:
    """All devices' samples; those of a device that is not among them are passed on as they are."""

    def __init__(self, devices: Iterable[SiteDevice]) -> None:
        self._pipelines = {device.id: pipeline(device) for device in devices}

    def take(self, sample: Sample, now: float) -> Sequence[Sample]:
        """What is to be delivered, now that this sample came; `now` in seconds, monotonic."""
        found = self._pipelines.get(sample.device)
        return (sample,) if found is None else found.take(sample, now)

    def overdue(self, now: float) -> list[Sample]:
        """What has waited long enough; to be asked for each second or so."""
        return [sample for each in self._pipelines.values() for sample in each.overdue(now)]

    def flush(self) -> list[Sample]:
        """All that waits, at the end."""
        return self.overdue(math.inf)

    def tell_all(self) -> None:
        """Who listens missed a part: the next reading of each channel is told, changed or not."""
        for each in self._pipelines.values():
            each.tell_all()

    def counts(self, device: str) -> Counts:
        """What was done to a device's samples."""
        return self._pipelines[device].counts


def pipeline(device: SiteDevice) -> Pipeline:
    """A device's own."""
    channels = [(c, each.interval) for each in device.rounds for c in each.channels]
    judges = {channel.id: _judges(channel, interval) for channel, interval in channels}
    deadbands = {c.id: c.deadband for c, _ in channels if c.deadband is not None}
    by_exception = device.settings.report == "changes"
    return Pipeline(
        {name: found for name, found in judges.items() if found is not None},
        Report(heartbeat=1000 * device.heartbeat, deadbands=deadbands) if by_exception else None,
        partial(_tell_replaced, device.id),
    )


def _judges(channel: Channel, interval: float) -> Judges | None:
    """What a channel needs; None is nothing."""
    tests, max_gap = channel.tests, 1000 * GAP_INTERVALS * interval
    counts = channel.kind is ChannelKind.COUNTER
    if tests is None:
        return Judges(Course(counter(None, channel.wrap)), counts=True) if counts else None
    course = flat = spike = None
    if counts:
        course = Course(counter(tests.rate, channel.wrap))
    elif tests.rate is not None:
        course = Course(gauge(tests.rate), max_gap=max_gap)
    if tests.flat is not None:
        lasting = 1000 * tests.flat.seconds
        flat = Flat(lasting=lasting, within=tests.flat.within, max_gap=max_gap)
    if tests.spike is not None:
        spike = Spike(tests.spike, max_gap=max_gap)
    return Judges(course, counts=counts, flat=flat, spike=spike)


def _tell_replaced(device: str, channel: str, before: float, first: float) -> None:
    logger.warning(
        "device %s: %s fell from %s to %s and goes on from there: replaced or reset",
        device,
        channel,
        before,
        first,
    )
