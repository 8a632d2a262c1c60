"""The engine's promise: alarms do not lie, whatever arrives late, twice, or from a wrong clock."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.engine import Engine, NotOpen
from collector.alarms.machine import Condition
from collector.alarms.memory import AlarmKey, Memory
from collector.alarms.rules import Rule
from collector.alarms.transition import Kind, Series
from collector.arrival import Arrival
from telemetry.announce import About, Channel, DeviceEntry, Model
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, Flag, Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.alarms.classify import Frontier
    from collector.alarms.watched import Watched
    from telemetry.sample import Value

NOW = 1_700_000_000_000
SECOND = 1000
METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")
SERIES = Series("gw-1", "meter-1", "voltage")
STREAM = "0123456789abcdef"


def rule(**changes: object) -> Rule:
    """Voltage above 253 V for a minute, until it is 251 V or less for a minute."""
    document: dict[str, object] = {
        "id": "mains-high",
        "title": "Mains voltage high",
        "watch": {"channel": "voltage"},
        "when": {"above": 253, "deadband": 2},
        "on_delay": "60s",
        "off_delay": "60s",
        "max_gap": "100s",
        "priority": "high",
        "action": "Call the grid operator.",
    }
    return Rule.model_validate(document | changes)


AT_ONCE: dict[str, object] = {"on_delay": 0, "off_delay": 0}


class Site:
    """One gateway, whose samples arrive one second after they were taken unless told otherwise."""

    def __init__(self, *rules: Rule, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.engine = Engine(rules or (rule(),), self.memory)
        self.seq = 0

    def send(  # noqa: PLR0913 - what can differ between samples
        self,
        at: float,
        values: Mapping[str, Value],
        flags: Mapping[str, Flag] | None = None,
        *,
        lane: Lane = Lane.LIVE,
        arrives: float | None = None,
        seq: int | None = None,
    ) -> Watched:
        """What a sample does; times in seconds after `NOW`."""
        self.seq = seq or self.seq + 1
        sample = Sample("meter-1", NOW + round(at * SECOND), values, flags or {})
        arrived = NOW + round((at + 1 if arrives is None else arrives) * SECOND)
        topic = EnvelopeTopic("gw-1", lane, STREAM, self.seq)
        envelope = Envelope(Clock.SYNCED, (METER,), (sample,))
        return self.engine.watch([Arrival(topic, 1, arrived, envelope)], arrived)

    def condition(self, series: Series = SERIES, name: str = "mains-high") -> Condition:
        """The alarm's condition now."""
        held = self.memory.alarms.get(AlarmKey(name, series))
        return held.state.condition if held else Condition.NORMAL


def kinds(watched: Watched) -> list[Kind]:
    return [transition.kind for transition in watched.transitions]


def test_an_alarm_tells_since_when_it_is_active_and_when_it_was_found_out() -> None:
    site = Site()
    site.send(0, {"voltage": 254.0})

    (raised,) = site.send(70, {"voltage": 255.0}, arrives=75).transitions

    assert raised.kind is Kind.RAISED
    assert raised.at == NOW + 60 * SECOND
    assert raised.detected_at == NOW + 75 * SECOND
    assert raised.series == SERIES
    assert raised.value == 255.0


def test_the_same_history_has_the_same_occurrence() -> None:
    first, second = (Site(rule(**AT_ONCE)).send(0, {"voltage": 254.0}) for _ in range(2))

    assert first.transitions == second.transitions


def test_a_series_without_a_rule_leaves_no_trace() -> None:
    site = Site()

    watched = site.send(0, {"frequency": 50.0})

    assert (watched.changed.frontiers, watched.changed.alarms) == ({}, {})


def test_two_rules_on_a_series_are_two_alarms() -> None:
    site = Site(rule(**AT_ONCE), rule(id="mains-very-high", when={"above": 260}, **AT_ONCE))

    first = site.send(0, {"voltage": 254.0})
    second = site.send(1, {"voltage": 261.0})

    assert [t.rule for t in first.transitions] == ["mains-high"]
    assert [t.rule for t in second.transitions] == ["mains-very-high"]


def test_an_absent_channel_is_unchanged_and_lets_the_delay_pass() -> None:
    site = Site()
    site.send(0, {"voltage": 254.0, "frequency": 50.0})

    too_early = site.send(59, {"frequency": 50.1})
    (raised,) = site.send(61, {"frequency": 50.2}).transitions

    assert too_early.transitions == []
    assert (raised.kind, raised.at) == (Kind.RAISED, NOW + 60 * SECOND)


def test_an_absent_channel_is_unknown_when_it_was_not_heard_for_max_gap() -> None:
    site = Site(rule(on_delay="90s"))
    site.send(0, {"voltage": 254.0})

    watched = site.send(101, {"frequency": 50.0})

    assert watched.changed.alarms == {}
    assert site.condition() is Condition.PENDING


def test_an_absent_channel_is_unknown_after_a_flag() -> None:
    site = Site()
    site.send(0, {"voltage": 254.0})
    site.send(30, {}, {"voltage": NO_REPLY})

    site.send(61, {"frequency": 50.0})

    assert site.condition() is Condition.PENDING


def test_an_absent_channel_is_unknown_while_words_before_it_are_on_their_way() -> None:
    """After an outage the live lane overtakes the backlog, in which the channel may have moved."""
    site = Site(rule(max_gap="30min"))
    site.send(0, {"voltage": 254.0})

    overtaking = site.send(601, {"frequency": 50.0}, seq=3)
    site.send(30, {"voltage": 220.0}, lane=Lane.BACKLOG, arrives=602, seq=2)
    afterwards = site.send(606, {"frequency": 50.1}, seq=4)

    assert overtaking.transitions == []
    assert afterwards.transitions == []
    assert site.condition() is Condition.PENDING


def test_an_absent_channel_is_unknown_once_history_says_that_it_has_moved() -> None:
    site = Site(rule(max_gap="30min", on_delay=0))
    site.send(0, {"voltage": 254.0})
    site.send(10, {"voltage": 240.0})
    site.send(20, {"voltage": 254.0}, lane=Lane.BACKLOG, arrives=200)

    watched = site.send(205, {"frequency": 50.0})

    assert watched.transitions == []
    assert site.condition() is Condition.CLEARING


def test_history_from_before_the_last_word_leaves_an_absent_channel_unchanged() -> None:
    site = Site()
    site.send(0, {"voltage": 254.0})
    site.send(-50, {"voltage": 220.0}, lane=Lane.BACKLOG, arrives=2)

    (raised,) = site.send(61, {"frequency": 50.0}).transitions

    assert raised.kind is Kind.RAISED


def test_a_delay_found_passed_by_another_channel_is_not_taken_back_by_older_words() -> None:
    site = Site()
    site.send(0, {"voltage": 254.0})
    site.send(61, {"frequency": 50.0})

    watched = site.send(30, {"voltage": 220.0}, arrives=62)

    assert site.condition() is Condition.ACTIVE
    assert watched.late == {SERIES: NOW + 30 * SECOND}


@pytest.mark.parametrize("flag", [NO_REPLY, OUT_OF_RANGE])
def test_a_flagged_value_freezes_the_alarm(flag: Flag) -> None:
    site = Site(rule(**AT_ONCE))
    site.send(0, {"voltage": 254.0})
    values = {"voltage": 20.0} if flag.quality.keeps_value else {}

    watched = site.send(1, values, {"voltage": flag})

    assert watched.transitions == []
    assert site.condition() is Condition.ACTIVE


def test_future_sample_does_not_blind_series() -> None:
    site = Site(rule(**AT_ONCE))

    quarantined = site.send(86_400, {"voltage": 220.0}, arrives=0)
    heard = site.send(1, {"voltage": 254.0})

    assert [sample.at for _, sample in quarantined.future] == [NOW + 86_400 * SECOND]
    assert quarantined.changed.frontiers == {}
    assert kinds(heard) == [Kind.RAISED]


def test_backlog_neither_raises_nor_clears() -> None:
    site = Site(rule(**AT_ONCE))

    high = site.send(-3600, {"voltage": 270.0}, lane=Lane.BACKLOG, arrives=0)
    site.send(1, {"voltage": 254.0})
    normal = site.send(2, {"voltage": 220.0}, lane=Lane.BACKLOG)

    assert high.transitions == normal.transitions == []
    assert high.late == {SERIES: NOW - 3600 * SECOND}
    assert (high.late_samples, normal.late_samples) == (1, 1)
    assert site.condition() is Condition.ACTIVE


def test_backlog_first_breach_does_not_satisfy_duration_of_the_live_alarm() -> None:
    site = Site()
    site.send(-3600, {"voltage": 270.0}, lane=Lane.BACKLOG, arrives=0)

    watched = site.send(1, {"voltage": 270.0})

    assert watched.transitions == []
    assert site.condition() is Condition.PENDING


def test_a_late_sample_leaves_the_live_alarm_alone() -> None:
    site = Site(rule(**AT_ONCE))
    site.send(10, {"voltage": 254.0})

    late = site.send(5, {"voltage": 220.0}, arrives=11)

    assert (late.transitions, late.late_samples) == ([], 1)
    assert site.condition() is Condition.ACTIVE


def test_a_resent_envelope_is_a_duplicate_never_late() -> None:
    site = Site(rule(**AT_ONCE))
    site.send(0, {"voltage": 254.0}, seq=1)
    site.send(5, {"voltage": 220.0}, seq=2)

    again = site.send(0, {"voltage": 254.0}, seq=1)

    assert (again.duplicates, again.late_samples, again.late) == (1, 0, {})
    assert again.transitions == []
    assert again.changed == Memory()


def test_another_value_for_the_same_instant_is_counted_and_the_first_stands() -> None:
    site = Site(rule(**AT_ONCE))
    site.send(0, {"voltage": 254.0})

    watched = site.send(0, {"voltage": 220.0})

    assert watched.conflicts == 1
    assert site.condition() is Condition.ACTIVE


def test_acknowledging_twice_changes_nothing() -> None:
    site = Site(rule(**AT_ONCE))
    (raised,) = site.send(0, {"voltage": 254.0}).transitions

    first = site.engine.ack(raised.occurrence, "an", "on my way", NOW + 9)
    second = site.engine.ack(raised.occurrence, "binh", "me too", NOW + 10)

    (acknowledged,) = first.transitions
    assert (acknowledged.who, acknowledged.comment) == ("an", "on my way")
    assert second.transitions == []
    assert [alarm.state.acked for alarm in site.engine.open_alarms()] == [True]


def test_an_acknowledged_occurrence_is_forgotten_when_it_returns() -> None:
    site = Site(rule(**AT_ONCE))
    (raised,) = site.send(0, {"voltage": 254.0}).transitions
    site.engine.ack(raised.occurrence, "an", "", NOW)

    returned = site.send(5, {"voltage": 220.0})

    assert kinds(returned) == [Kind.RETURNED]
    assert site.engine.open_alarms() == []
    assert site.memory.alarms == {}


def test_a_returned_occurrence_stays_open_until_it_is_acknowledged() -> None:
    site = Site(rule(**AT_ONCE))
    (raised,) = site.send(0, {"voltage": 254.0}).transitions
    site.send(5, {"voltage": 220.0})

    assert [alarm.occurrence for alarm in site.engine.open_alarms()] == [raised.occurrence]
    site.engine.ack(raised.occurrence, "an", "", NOW)
    assert site.engine.open_alarms() == []


def test_a_superseded_occurrence_cannot_be_acknowledged() -> None:
    site = Site(rule(**AT_ONCE))
    (first,) = site.send(0, {"voltage": 254.0}).transitions
    site.send(5, {"voltage": 220.0})

    superseded, second = site.send(9, {"voltage": 254.0}).transitions

    assert (superseded.kind, superseded.occurrence) == (Kind.SUPERSEDED, first.occurrence)
    assert [alarm.occurrence for alarm in site.engine.open_alarms()] == [second.occurrence]
    with pytest.raises(NotOpen):
        site.engine.ack(first.occurrence, "an", "", NOW)


def test_a_diagnostic_alarm_needs_nobody() -> None:
    site = Site(rule(priority="diagnostic", **AT_ONCE))
    site.send(0, {"voltage": 254.0})

    site.send(5, {"voltage": 220.0})

    assert site.engine.open_alarms() == []


def test_restart_pending_restored() -> None:
    before = Site()
    before.send(0, {"voltage": 254.0})

    after = Site(memory=copy.deepcopy(before.memory))
    settled = after.engine.settle(NOW)
    in_time = after.send(90, {"voltage": 254.0}, seq=2)

    assert settled.transitions == []
    assert [t.at for t in in_time.transitions] == [NOW + 60 * SECOND]


def test_restart_longer_than_the_gap_starts_the_delay_again() -> None:
    before = Site()
    before.send(0, {"voltage": 254.0})

    after = Site(memory=copy.deepcopy(before.memory))

    assert after.send(101, {"voltage": 254.0}, seq=2).transitions == []
    assert kinds(after.send(161, {"voltage": 254.0}, seq=3)) == [Kind.RAISED]


def test_restart_no_renotify() -> None:
    before = Site(rule(**AT_ONCE))
    before.send(0, {"voltage": 254.0})

    after = Site(rule(**AT_ONCE), memory=copy.deepcopy(before.memory))
    again = after.send(0, {"voltage": 254.0}, seq=1)
    inside_the_deadband = after.send(5, {"voltage": 252.0}, seq=2)

    assert again.transitions == inside_the_deadband.transitions == []
    assert after.condition() is Condition.ACTIVE
    assert len(after.engine.open_alarms()) == 1


def test_an_alarm_whose_rule_is_gone_is_withdrawn() -> None:
    before = Site(rule(**AT_ONCE))
    before.send(0, {"voltage": 254.0})

    after = Site(rule(id="other"), memory=copy.deepcopy(before.memory))
    (withdrawn,) = after.engine.settle(NOW + 9).transitions

    assert (withdrawn.kind, withdrawn.comment) == (Kind.WITHDRAWN, "the rule is gone")
    assert after.memory.alarms == {}
    assert after.engine.open_alarms() == []


@pytest.mark.parametrize(
    "watch",
    [
        {"channel": "current"},
        {"channel": "voltage", "agent": "gw-2"},
        {"channel": "voltage", "device": "meter-2"},
    ],
)
def test_an_alarm_that_its_rule_watches_no_more_is_withdrawn(watch: dict[str, str]) -> None:
    before = Site(rule(**AT_ONCE))
    before.send(0, {"voltage": 254.0})

    after = Site(rule(watch=watch, revision=2), memory=copy.deepcopy(before.memory))
    (withdrawn,) = after.engine.settle(NOW + 9).transitions

    assert (withdrawn.kind, withdrawn.comment) == (
        Kind.WITHDRAWN,
        "the rule watches this series no more",
    )
    assert after.memory.alarms == {}
    assert after.engine.open_alarms() == []


def test_a_delay_does_not_outlive_its_rules_revision_but_an_alarm_does() -> None:
    pending, active, clearing = Site(), Site(rule(**AT_ONCE)), Site(rule(on_delay=0))
    pending.send(0, {"voltage": 254.0})
    active.send(0, {"voltage": 254.0})
    clearing.send(0, {"voltage": 254.0})
    clearing.send(1, {"voltage": 220.0})

    for site in (pending, active, clearing):
        site.engine = Engine([rule(revision=2)], site.memory)
        site.engine.settle(NOW)

    assert pending.condition() is Condition.NORMAL
    assert active.condition() is clearing.condition() is Condition.ACTIVE


def test_a_device_that_becomes_another_is_matched_anew() -> None:
    site = Site(rule(watch={"channel": "voltage", "measurement": "weather"}, **AT_ONCE))
    site.send(0, {"voltage": 254.0})
    weather = Device("meter-1", "other", 1, "weather")
    sample = Sample("meter-1", NOW + SECOND, {"voltage": 254.0})
    topic = EnvelopeTopic("gw-1", Lane.LIVE, STREAM, 2)
    arrival = Arrival(topic, 1, NOW + SECOND, Envelope(Clock.SYNCED, (weather,), (sample,)))

    watched = site.engine.watch([arrival], NOW)

    assert kinds(watched) == [Kind.RAISED]


def test_rules_that_do_not_suit_an_agent_are_told() -> None:
    model = Model(1, "electricity_meter", {"voltage": Channel("V", "float")})
    devices = {"meter-1": DeviceEntry("m", 900)}
    about = About(version="1", boot="b", config="c", models={"m": model}, devices=devices)

    (problem,) = Site().engine.unfit("gw-1", about)

    assert "less than twice the heartbeat" in problem


voltages = st.sampled_from([220.0, 252.0, 254.0, None])
rows = st.lists(st.tuples(st.integers(1, 70), voltages), min_size=1, max_size=30)


@given(rows, st.data())
def test_duplicate_batch_zero_new_rows(
    rows: list[tuple[int, float | None]], data: st.DataObject
) -> None:
    once, twice = Site(), Site()
    at, repeated, sent = 0, [], []
    for seq, (step, voltage) in enumerate(rows, 1):
        at += step
        values = {} if voltage is None else {"voltage": voltage}
        flags = {"voltage": NO_REPLY} if voltage is None else {}
        once.send(at, values, flags, seq=seq)
        sent.append((at, values, flags, seq))
        twice.send(at, values, flags, seq=seq)
        for past, its_values, its_flags, its_seq in data.draw(
            st.lists(st.sampled_from(sent), max_size=3)
        ):
            seq_now = its_seq + 1000 * data.draw(st.booleans())
            watched = twice.send(past, its_values, its_flags, arrives=at + 2, seq=seq_now)
            repeated += watched.transitions

    assert repeated == []
    assert twice.memory.alarms == once.memory.alarms
    assert twice.memory.frontiers == once.memory.frontiers


@given(rows)
def test_one_occurrence_is_open_at_most_and_memory_is_what_changed(
    rows: list[tuple[int, float | None]],
) -> None:
    site, at = Site(), 0
    journal: dict[AlarmKey, object] = {}
    frontiers: dict[Series, Frontier] = {}
    for step, voltage in rows:
        at += step
        values: dict[str, Value] = {"frequency": 50.0} if voltage is None else {"voltage": voltage}
        watched = site.send(at, values)
        journal.update(watched.changed.alarms)
        frontiers.update(watched.changed.frontiers)

        assert len(site.engine.open_alarms()) <= 1

    assert {key: journal[key] for key in site.memory.alarms} == site.memory.alarms
    assert frontiers == site.memory.frontiers
