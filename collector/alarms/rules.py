"""Alarm rules: which channel, beyond what limit, for how long, and what somebody must do then.

    schema: alarm-rules/1
    rules:
      - id: mains-high
        title: Mains voltage high
        watch: {measurement: electricity_meter, channel: voltage_l1}
        when: {above: 253, deadband: 2}
        on_delay: 60s
        off_delay: 60s
        max_gap: 30min
        priority: medium
        action: Call the grid operator; switch the cabinet to battery.

An alarm without an action is an event, so `action` is mandatory (ISA-18.2's definition of an
alarm). `above` breaches beyond its limit and clears at limit - deadband or under; `below` mirrors
it. Limits are decimal: 50.3 - 0.2 is 50.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from collector.alarms.machine import Delays, Side
from telemetry import settings
from telemetry.names import CHANNEL, DEVICE, is_agent, is_name
from telemetry.quantities import Seconds
from telemetry.sample import Value
from telemetry.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from collector.alarms.transition import Series
    from telemetry.announce import About, DeviceEntry
    from telemetry.envelope import Device

Judge = Callable[[Value], Side]
"""Tells on which side of a limit a value lies."""


def _named(kind: str, rule: str, test: Callable[[str], bool]) -> AfterValidator:
    def check(text: str) -> str:
        if not test(text):
            raise ValueError(f"{text!r} is no {kind}: {rule}")
        return text

    return AfterValidator(check)


AgentName = Annotated[str, _named("agent id", "at most 40 of a-z 0-9 -", is_agent)]
DeviceName = Annotated[
    str, _named("id", "at most 40 of a-z 0-9 - _", lambda text: is_name(DEVICE, text))
]
ChannelName = Annotated[
    str,
    _named("channel name", "such as voltage_l1, of a-z 0-9 _", lambda text: is_name(CHANNEL, text)),
]


class Priority(StrEnum):
    """How soon somebody must act; `diagnostic` is for the system's own keepers."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    DIAGNOSTIC = "diagnostic"


class Selector(Settings):
    """The series that a rule watches: one channel, wherever the other words fit."""

    channel: ChannelName
    agent: AgentName | None = None
    device: DeviceName | None = None
    profile: DeviceName | None = None
    measurement: ChannelName | None = None

    def fits(self, agent: str, device: Device) -> bool:
        """Whether the device is among the selected."""
        return all(
            wanted in (None, found)
            for wanted, found in (
                (self.agent, agent),
                (self.device, device.id),
                (self.profile, device.profile),
                (self.measurement, device.measurement),
            )
        )

    def may_fit(self, series: Series) -> bool:
        """Whether it may select a series, of whose device no more than the id is known."""
        return (
            self.channel == series.channel
            and self.agent in (None, series.agent)
            and self.device in (None, series.device)
        )


class When(Settings):
    """The condition: exactly one of `above`, `below` (a limit) and `equals` (a state)."""

    above: Decimal | None = None
    below: Decimal | None = None
    equals: bool | int | str | None = None
    deadband: Decimal = Field(Decimal(0), ge=0)

    @model_validator(mode="after")
    def _one_condition(self) -> When:
        if sum(given is not None for given in (self.above, self.below, self.equals)) != 1:
            raise ValueError("should have exactly one of above, below, equals")
        if self.equals is not None and self.deadband:
            raise ValueError("a state has no deadband")
        return self

    def can_hold(self, kind: str) -> bool:
        """Whether a channel of this stored type can ever breach."""
        if self.equals is not None:
            return type(self.equals).__name__ == kind
        return kind in ("int", "float")

    def __str__(self) -> str:
        """As a rule's file has it."""
        given = {"above": self.above, "below": self.below, "equals": self.equals}
        return ", ".join(f"{word} {value!s}" for word, value in given.items() if value is not None)

    def judge(self) -> Judge:
        """The condition, ready to be asked for every value."""
        if self.above is not None:
            return _above(float(self.above), float(self.above - self.deadband))
        if self.below is not None:
            return _below(float(self.below), float(self.below + self.deadband))
        return _equals(self.equals)


class Rule(Settings):
    """One alarm rule; `revision` grows with every change of what it means."""

    id: DeviceName
    title: str = Field(min_length=1)
    watch: Selector
    when: When
    priority: Priority
    action: str = Field(min_length=1, description="what whoever sees the alarm must do")
    revision: int = Field(1, ge=1)
    on_delay: Seconds = Field(0.0, ge=0)
    off_delay: Seconds = Field(0.0, ge=0)
    max_gap: Seconds | None = Field(
        None, gt=0, description="longest silence that a delay may bridge: twice the heartbeat"
    )
    cause: str = ""
    responsible: str = Field("", description="the unit that acts")

    @model_validator(mode="after")
    def _delays_know_their_gap(self) -> Rule:
        if (self.on_delay or self.off_delay) and self.max_gap is None:
            raise ValueError("a delay needs max_gap, at least twice the channel's heartbeat")
        return self

    @property
    def delays(self) -> Delays:
        """Its delays in ms."""
        return Delays(
            on=round(self.on_delay * 1000),
            off=round(self.off_delay * 1000),
            max_gap=round((self.max_gap or 0) * 1000),
        )


class RuleBook(Settings):
    """A file of rules."""

    schema_: Literal["alarm-rules/1"] = Field(alias="schema")
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> RuleBook:
        ids = [rule.id for rule in self.rules]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the id {', '.join(twice)}")
        return self


def load(path: Path) -> tuple[Rule, ...]:
    """The rules in a file.

    Raises:
        SettingsError: with file, line and field, if they are not right.
    """
    return settings.load(path, RuleBook).rules


def unfit(rules: tuple[Rule, ...], agent: str, about: About) -> list[str]:
    """Why rules cannot be kept for what an agent says that it has, a line a reason.

    A constant channel speaks once a heartbeat: a shorter `max_gap` would break every delay.
    """
    return [
        problem
        for name, entry in about.devices.items()
        for rule in rules
        if _watches(rule.watch, agent, name, about)
        for problem in _misfits(rule, f"{agent} {name}", entry, about)
    ]


def _misfits(rule: Rule, device: str, entry: DeviceEntry, about: About) -> Iterator[str]:
    if rule.max_gap is not None and rule.max_gap < 2 * entry.heartbeat:
        yield (
            f"rule {rule.id}: max_gap {rule.max_gap:g} s is less than twice the heartbeat of "
            f"{device} ({entry.heartbeat:g} s)"
        )
    channel = about.models[entry.profile].channels[rule.watch.channel]
    if not rule.when.can_hold(channel.type):
        yield (
            f"rule {rule.id}: {rule.when} never holds for a channel of type {channel.type}, "
            f"{device} {rule.watch.channel}"
        )


def _watches(watch: Selector, agent: str, device: str, about: About) -> bool:
    profile = about.devices[device].profile
    model = about.models.get(profile)
    return (
        model is not None
        and watch.channel in model.channels
        and watch.agent in (None, agent)
        and watch.device in (None, device)
        and watch.profile in (None, profile)
        and watch.measurement in (None, model.measurement)
    )


def _above(limit: float, clear: float) -> Judge:
    def judge(value: Value) -> Side:
        if not _is_number(value):
            return Side.UNKNOWN
        if value > limit:  # type: ignore[operator]
            return Side.HIT
        return Side.CLEAR if value <= clear else Side.BETWEEN  # type: ignore[operator]

    return judge


def _below(limit: float, clear: float) -> Judge:
    def judge(value: Value) -> Side:
        if not _is_number(value):
            return Side.UNKNOWN
        if value < limit:  # type: ignore[operator]
            return Side.HIT
        return Side.CLEAR if value >= clear else Side.BETWEEN  # type: ignore[operator]

    return judge


def _equals(state: Value | None) -> Judge:
    def judge(value: Value) -> Side:
        if type(value) is not type(state):
            return Side.UNKNOWN
        return Side.HIT if value == state else Side.CLEAR

    return judge


def _is_number(value: Value) -> bool:
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]
