"""The engine: every watched series' alarms, moved by arrivals in event time.

It keeps in memory what the journal keeps on disk, and returns what has changed: whoever calls it
journals that before anything else may see it. A device is matched with the rules once; a series
without a rule costs nothing. A channel absent from a row is unchanged: while its last value is not
older than `max_gap`, and nothing of the agent's between the two is still on its way or came late,
the row lets a delay pass. Samples that come late are counted by series, for a history to be worked
out again; they never touch what is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from collector.alarms import machine, rules, seen
from collector.alarms.classify import Frontier, Moment, Timeliness, classify, is_future, is_old
from collector.alarms.machine import Condition, Event, Reading, State
from collector.alarms.memory import QUIET, AlarmKey, Held, StreamKey
from collector.alarms.rules import Judge, Priority, Rule
from collector.alarms.transition import Kind, Series, Transition, occurrence_id
from collector.alarms.watched import Watched
from telemetry.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collector.alarms.memory import Memory
    from collector.arrival import Arrival
    from telemetry.announce import About
    from telemetry.envelope import Device
    from telemetry.sample import Sample, Value


class NotOpen(LookupError):
    """No open alarm has this occurrence: it was closed or superseded, or never was."""


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An occurrence that is active, or not acknowledged yet."""

    rule: Rule
    series: Series
    state: State
    occurrence: str


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule on a series, ready to be asked."""

    rule: Rule
    key: AlarmKey
    delays: machine.Delays
    judge: Judge


@dataclass(frozen=True, slots=True)
class _Watch:
    """A series and the rules on it."""

    series: Series
    bound: tuple[_Bound, ...]


class _Passage(NamedTuple):
    """An envelope on its way through the engine.

    Every one of its stream from `whole_since` on has come; `now` (ms) is when alarms are found out.
    """

    moment: Moment
    stream: StreamKey
    seq: int
    whole_since: int
    now: int


class Engine:
    """All alarms of one collector."""

    def __init__(self, book: Iterable[Rule], memory: Memory) -> None:
        self._rules = {rule.id: rule for rule in book}
        self._alarms = memory.alarms
        self._frontiers = memory.frontiers
        self._streams = memory.streams
        self._heard: dict[Series, tuple[StreamKey, int]] = {}
        self._devices: dict[tuple[str, str], tuple[Device, tuple[_Watch, ...]]] = {}
        self._open = {
            occurrence_id(key.rule, key.series, held.state.active_at): key
            for key, held in memory.alarms.items()
            if held.state.active_at is not None
        }

    def settle(self, now: int) -> Watched:
        """Once, after a start: end what rules that are gone or changed have left behind."""
        watched = Watched()
        for key, held in list(self._alarms.items()):
            rule = self._rules.get(key.rule)
            if rule is None:
                self._withdraw(watched, key, now, "the rule is gone")
            elif not rule.watch.may_fit(key.series):
                self._withdraw(watched, key, now, "the rule watches this series no more")
            elif rule.revision != held.revision:
                self._keep(watched, key, Held(machine.without_delay(held.state), rule.revision))
        return watched

    def watch(self, arrivals: Sequence[Arrival], now: int) -> Watched:
        """Move the alarms by what arrived; `now` (ms) is when they are found out."""
        watched = Watched()
        for arrival in arrivals:
            self._watch_one(arrival, now, watched)
        return watched

    def ack(self, occurrence: str, who: str, comment: str, now: int) -> Watched:
        """Acknowledge an occurrence; to do it again changes nothing.

        Raises:
            NotOpen: if it is not open (any more).
        """
        key = self._open.get(occurrence)
        if key is None:
            raise NotOpen(occurrence)
        watched = Watched()
        held = self._alarms[key]
        if held.state.acked or held.state.active_at is None:
            return watched
        told = _Told(key, held.revision, now, None, comment, who)
        self._tell(watched, told, Kind.ACKNOWLEDGED, now, held.state.active_at)
        self._keep(watched, key, held._replace(state=machine.acknowledge(held.state)))
        return watched

    def open_alarms(self) -> list[OpenAlarm]:
        """Every occurrence that is open."""
        return [
            OpenAlarm(self._rules[key.rule], key.series, self._alarms[key].state, occurrence)
            for occurrence, key in self._open.items()
            if key.rule in self._rules
        ]

    def unfit(self, agent: str, about: About) -> list[str]:
        """Why rules cannot be kept for what an agent says that it has."""
        return rules.unfit(tuple(self._rules.values()), agent, about)

    def _watch_one(self, arrival: Arrival, now: int, watched: Watched) -> None:
        topic, envelope = arrival.topic, arrival.envelope
        stream = StreamKey(topic.agent, topic.stream)
        before = self._streams.get(stream, ())
        ranges = seen.add(before, topic.seq)
        moment = Moment(arrival.at, topic.lane is Lane.LIVE, seen.holds(before, topic.seq))
        whole = seen.whole_since(ranges, topic.seq)
        passage = _Passage(moment, stream, topic.seq, whole, now)
        watches = {device.id: self._watches(topic.agent, device) for device in envelope.devices}
        for sample in envelope.samples:
            if is_future(sample.at, moment):
                watched.future.append((arrival, sample))
                continue
            late = is_old(sample.at, moment)
            for watch in watches[sample.device]:
                late |= self._hear(watch, sample, passage, watched) is Timeliness.LATE
            watched.duplicates += moment.again
            watched.late_samples += late and not moment.again
        if not moment.again:
            self._streams[stream] = watched.changed.streams[stream] = ranges

    def _watches(self, agent: str, device: Device) -> tuple[_Watch, ...]:
        known = self._devices.get((agent, device.id))
        if known is not None and known[0] == device:
            return known[1]
        by_channel: dict[str, list[_Bound]] = {}
        for rule in self._rules.values():
            if rule.watch.fits(agent, device):
                series = Series(agent, device.id, rule.watch.channel)
                bound = _Bound(rule, AlarmKey(rule.id, series), rule.delays, rule.when.judge())
                by_channel.setdefault(series.channel, []).append(bound)
        watches = tuple(_Watch(found[0].key.series, tuple(found)) for found in by_channel.values())
        self._devices[agent, device.id] = (device, watches)
        return watches

    def _hear(
        self, watch: _Watch, sample: Sample, passage: _Passage, watched: Watched
    ) -> Timeliness | None:
        series = watch.series
        value = sample.values.get(series.channel)
        if sample.flags and series.channel in sample.flags:
            value = None
        elif value is None:
            self._let_pass(watch, sample.at, passage, watched)
            return None
        frontier = self._frontiers.get(series)
        timeliness = classify(sample.at, value, frontier, passage.moment)
        if timeliness is Timeliness.LIVE:
            last = frontier.good_at if frontier else None
            good_at = last if value is None else sample.at
            self._advance(watched, series, Frontier(sample.at, value, good_at))
            self._heard[series] = passage.stream, passage.seq
            if value is not None:
                for bound in watch.bound:
                    reading = Reading(sample.at, bound.judge(value), last)
                    self._step(watched, bound, reading, value, passage.now)
        elif timeliness is Timeliness.LATE:
            watched.late[series] = min(sample.at, watched.late.get(series, sample.at))
            if frontier is None or sample.at > frontier.at:
                self._heard.pop(series, None)
        watched.conflicts += timeliness is Timeliness.CONFLICT
        return timeliness

    def _let_pass(self, watch: _Watch, at: int, passage: _Passage, watched: Watched) -> None:
        """The series is unchanged at `at`: a delay that runs may have passed.

        Nobody knows that while what may tell of a change has not come (after an outage the live
        lane overtakes the backlog), nor if it came too late to be heeded.
        """
        frontier = self._frontiers.get(watch.series)
        if frontier is None or frontier.value is None or frontier.good_at is None:
            return
        stream, seq = self._heard.get(watch.series, (None, 0))
        if stream != passage.stream or seq < passage.whole_since:
            return
        if at <= frontier.at or is_old(at, passage.moment):
            return
        for bound in watch.bound:
            held = self._alarms.get(bound.key)
            if held is None or at - frontier.good_at > bound.delays.max_gap:
                continue
            if held.state.condition in (Condition.PENDING, Condition.CLEARING):
                reading = Reading(at, bound.judge(frontier.value), frontier.good_at)
                if self._step(watched, bound, reading, frontier.value, passage.now):
                    self._advance(watched, watch.series, frontier._replace(at=at))

    def _step(
        self, watched: Watched, bound: _Bound, reading: Reading, value: Value, now: int
    ) -> bool:
        """Whether something happened."""
        held = self._alarms.get(bound.key)
        before = held.state if held else QUIET
        after, event = machine.step(bound.delays, before, reading)
        if after is before or after == before:
            return False
        told = _Told(bound.key, bound.rule.revision, now, value)
        if event is Event.RAISED and after.active_at is not None:
            if before.active_at is not None:
                self._tell(watched, told, Kind.SUPERSEDED, after.active_at, before.active_at)
            self._tell(watched, told, Kind.RAISED, after.active_at, after.active_at)
        elif event is Event.RETURNED and before.active_at is not None:
            returned = before.since if before.condition is Condition.CLEARING else reading.at
            self._tell(watched, told, Kind.RETURNED, returned, before.active_at)
        if bound.rule.priority is Priority.DIAGNOSTIC:
            after = machine.close_if_normal(after)
        self._keep(watched, bound.key, Held(after, bound.rule.revision))
        return event is not None

    def _withdraw(self, watched: Watched, key: AlarmKey, now: int, why: str) -> None:
        held = self._alarms[key]
        if held.state.active_at is not None:
            told = _Told(key, held.revision, now, None, why)
            self._tell(watched, told, Kind.WITHDRAWN, now, held.state.active_at)
        self._keep(watched, key, Held(QUIET, held.revision))

    def _advance(self, watched: Watched, series: Series, frontier: Frontier) -> None:
        self._frontiers[series] = watched.changed.frontiers[series] = frontier

    def _keep(self, watched: Watched, key: AlarmKey, held: Held) -> None:
        before = self._alarms.pop(key, None)
        if before is not None and before.state.active_at is not None:
            self._open.pop(occurrence_id(key.rule, key.series, before.state.active_at), None)
        if held.state != QUIET:
            self._alarms[key] = held
        if held.state.active_at is not None:
            self._open[occurrence_id(key.rule, key.series, held.state.active_at)] = key
        watched.changed.alarms[key] = held

    def _tell(self, watched: Watched, told: _Told, kind: Kind, at: int, active_at: int) -> None:
        watched.transitions.append(
            Transition(
                at=at,
                detected_at=told.now,
                kind=kind,
                rule=told.key.rule,
                revision=told.revision,
                series=told.key.series,
                occurrence=occurrence_id(told.key.rule, told.key.series, active_at),
                value=told.value,
                who=told.who,
                comment=told.comment,
            )
        )


class _Told(NamedTuple):
    """What the transitions of one step have in common."""

    key: AlarmKey
    revision: int
    now: int
    value: Value | None
    comment: str = ""
    who: str = ""
