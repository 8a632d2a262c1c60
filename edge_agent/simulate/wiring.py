"""What feeds each channel: the sources that a scenario names, as signals."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

from edge_agent.simulate.recording import BadRecording
from edge_agent.simulate.scenario import (
    ConstantSource,
    CycleSource,
    LoadSource,
    SeriesSource,
    Source,
    SumSource,
    TotalSource,
)
from edge_agent.simulate.signal import Constant, Flow, Signal, Sum, Total, Track

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from edge_agent.simulate.recording import Reading, Recording


class BadWiring(ValueError):
    """A source feeds on what is not there; the message names both."""


def signals(
    sources: Mapping[str, Source], recordings: Mapping[str, Recording]
) -> dict[str, Signal]:
    """Each channel's signal; a source may use channels that stand above it.

    Raises:
        BadWiring: if a source feeds on something unknown or not to be added up.
    """
    wired: dict[str, Signal] = {}
    for channel, source in sources.items():
        try:
            wired[channel] = _signal(source, recordings, wired)
        except BadWiring as error:
            raise BadWiring(f"{channel}: {error}") from error
    return wired


def _signal(
    source: Source, recordings: Mapping[str, Recording], above: Mapping[str, Signal]
) -> Signal:
    match source:
        case SeriesSource():
            return _series(source, recordings, _affine(source))
        case LoadSource():
            return _series(source.temperature, recordings, _load(source))
        case CycleSource():
            return _cycle(source)
        case SumSource():
            return Sum([_flow(name, above) for name in source.of], source.factor, source.offset)
        case TotalSource():
            of = _flow(source.of, above)
            return Total(of, factor=source.factor, start=source.start, wrap=source.wrap)
        case ConstantSource():
            return Constant(source.value)


def _series(source: SeriesSource, recordings: Mapping[str, Recording], reading: Reading) -> Track:
    recording = recordings.get(source.recording)
    if recording is None:
        raise BadWiring(f"no recording {source.recording!r}; known are {', '.join(recordings)}")
    try:
        return recording.track(source.column, reading)
    except BadRecording as error:
        raise BadWiring(f"recording {source.recording!r}: {error}") from error


def _affine(source: SeriesSource) -> Reading:
    return lambda _, cell: cell * source.factor + source.offset


def _load(source: LoadSource) -> Reading:
    celsius = _affine(source.temperature)

    def watts(time: datetime, cell: float) -> float:
        angle = 2 * math.pi * (time.hour + time.minute / 60 - source.peak) / 24
        heat = source.per_degree * abs(celsius(time, cell) - source.comfort)
        return source.base + source.daily * (1 + math.cos(angle)) / 2 + heat

    return watts


def _cycle(source: CycleSource) -> Track:
    *times, period = accumulate((step.seconds for step in source.steps), initial=0.0)
    return Track(times=times, values=[step.value for step in source.steps], period=period)


def _flow(name: str | int, above: Mapping[str, Signal]) -> Flow:
    signal = Constant(name) if isinstance(name, int) else above.get(name)
    if signal is None:
        raise BadWiring(f"no channel {name!r} stands above it")
    if isinstance(signal, Total) or isinstance(signal.value(0.0), str):
        raise BadWiring(f"{name!r} cannot be added up")
    return signal
