"""The promise of rules: what is wrong in them is told before they watch, and limits are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from collector.alarms import rules
from collector.alarms.machine import Delays, Side
from collector.alarms.rules import Priority, Rule, RuleBook, Selector, When, unfit
from telemetry.announce import About, Channel, DeviceEntry, Model
from telemetry.envelope import Device
from telemetry.settings import SettingsError, parse

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry.sample import Value

MAINS_HIGH = """
schema: alarm-rules/1
rules:
  - id: mains-high
    title: Mains voltage high
    watch: {measurement: electricity_meter, channel: voltage_l1}
    when: {above: 253, deadband: 2}
    on_delay: 60s
    off_delay: 90s
    max_gap: 30min
    priority: medium
    action: Call the grid operator.
"""
METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")


def test_a_rule_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(MAINS_HIGH)

    (rule,) = rules.load(path)

    assert rule.priority is Priority.MEDIUM
    assert rule.delays == Delays(on=60_000, off=90_000, max_gap=1_800_000)
    assert rule.watch.fits("gw-1", METER)


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        ("    action: Call the grid operator.\n", "", "action — is missing"),
        ("    action: Call the grid operator.\n", "    action: ''\n", "at least 1 character"),
        ("{above: 253, deadband: 2}", "{above: 253, below: 2}", "exactly one of above"),
        ("{above: 253, deadband: 2}", "{deadband: 2}", "exactly one of above"),
        ("{above: 253, deadband: 2}", "{equals: true, deadband: 2}", "a state has no deadband"),
        ("deadband: 2", "deadband: -2", "greater than or equal to 0"),
        ("deadband", "dedband", "did you mean 'deadband'"),
        ("    max_gap: 30min\n", "", "a delay needs max_gap"),
        ("medium", "urgent", "priority"),
        ("60s", "60", "has no unit"),
        ("channel: voltage_l1", "channel: Voltage L1", "is no channel name"),
        ("alarm-rules/1", "alarm-rules/2", "schema"),
    ],
)
def test_a_wrong_rule_is_told_by_its_place(line: str, instead: str, told: str) -> None:
    assert line in MAINS_HIGH

    with pytest.raises(SettingsError, match=told):
        parse(MAINS_HIGH.replace(line, instead), RuleBook, "rules.yaml")


def test_two_rules_cannot_share_an_id() -> None:
    rule = MAINS_HIGH.split("rules:\n")[1]

    with pytest.raises(SettingsError, match="two rules have the id mains-high"):
        parse(MAINS_HIGH + rule, RuleBook, "rules.yaml")


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (Selector(channel="voltage_l1"), True),
        (Selector(channel="voltage_l1", agent="gw-1", device="meter-1"), True),
        (Selector(channel="voltage_l1", profile="eastron-sdm630"), True),
        (Selector(channel="voltage_l1", agent="gw-2"), False),
        (Selector(channel="voltage_l1", device="meter-2"), False),
        (Selector(channel="voltage_l1", profile="other"), False),
        (Selector(channel="voltage_l1", measurement="weather"), False),
    ],
)
def test_a_selector_fits_where_all_its_words_do(selector: Selector, *, fits: bool) -> None:
    assert selector.fits("gw-1", METER) is fits


def sides(when: When, values: list[Value]) -> list[Side]:
    judge = when.judge()
    return [judge(value) for value in values]


def test_above_breaches_beyond_its_limit() -> None:
    assert sides(When(above=50), [50.1, 51, 50, 50.0]) == [
        Side.HIT,
        Side.HIT,
        Side.CLEAR,
        Side.CLEAR,
    ]


def test_deadband_inclusive_clear() -> None:
    high = When.model_validate({"above": 50.3, "deadband": 0.2})
    low = When.model_validate({"below": 10.1, "deadband": 0.2})

    assert sides(high, [50.31, 50.3, 50.11, 50.1]) == [Side.HIT, *[Side.BETWEEN] * 2, Side.CLEAR]
    assert sides(low, [10.09, 10.1, 10.29, 10.3]) == [Side.HIT, *[Side.BETWEEN] * 2, Side.CLEAR]


def test_a_state_breaches_when_it_is_the_one_and_of_its_type() -> None:
    assert sides(When(equals=True), [True, False, 1, "true"]) == [
        Side.HIT,
        Side.CLEAR,
        Side.UNKNOWN,
        Side.UNKNOWN,
    ]
    assert sides(When(equals="open"), ["open", "shut"]) == [Side.HIT, Side.CLEAR]
    assert sides(When(equals=2), [2, 3, True]) == [Side.HIT, Side.CLEAR, Side.UNKNOWN]


@pytest.mark.parametrize("when", [When(above=1), When(below=1)])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), True, "2"])
def test_what_is_no_number_is_neither_breach_nor_normal(
    when: When,
    value: float | bool | str,  # noqa: FBT001 - a value, not a switch
) -> None:
    assert sides(when, [value]) == [Side.UNKNOWN]


def test_a_gap_shorter_than_two_heartbeats_is_told() -> None:
    book = parse(MAINS_HIGH, RuleBook, "rules.yaml").rules
    model = Model(1, "electricity_meter", {"voltage_l1": Channel("V", "float")})
    slow, fast = DeviceEntry("eastron-sdm630", 901), DeviceEntry("eastron-sdm630", 900)
    about = About(
        version="1",
        boot="b",
        config="c",
        models={"eastron-sdm630": model},
        devices={"slow": slow, "fast": fast, "unknown": DeviceEntry("no-model", 9000)},
    )

    assert unfit(book, "gw-1", about) == [
        "rule mains-high: max_gap 1800 s is less than twice the heartbeat of gw-1 slow (901 s)"
    ]


@pytest.mark.parametrize(
    ("when", "kind", "told"),
    [
        ({"above": 1}, "bool", "above 1 never holds for a channel of type bool"),
        ({"below": 1}, "str", "below 1 never holds for a channel of type str"),
        ({"equals": 3}, "float", "equals 3 never holds for a channel of type float"),
        ({"equals": "open"}, "int", "equals open never holds for a channel of type int"),
        ({"equals": True}, "int", "equals True never holds for a channel of type int"),
        ({"above": 1}, "int", None),
        ({"below": 1}, "float", None),
        ({"equals": 3}, "int", None),
        ({"equals": True}, "bool", None),
        ({"equals": "open"}, "str", None),
    ],
)
def test_a_rule_that_can_never_fire_is_told(
    when: dict[str, object], kind: Literal["float", "int", "bool", "str"], told: str | None
) -> None:
    rule = {"id": "r", "title": "t", "watch": {"channel": "mode"}, "when": when}
    book = (Rule.model_validate(rule | {"priority": "low", "action": "a"}),)
    model = Model(1, "signal", {"mode": Channel("", kind)})
    devices = {"d-1": DeviceEntry("signal-1", 60)}
    about = About(version="1", boot="b", config="c", models={"signal-1": model}, devices=devices)

    assert unfit(book, "gw-1", about) == ([f"rule r: {told}, gw-1 d-1 mode"] if told else [])
