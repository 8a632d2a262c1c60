"""Promise: a name that passes needs no quoting in a topic, a tag, a table or a column."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.names import (
    _REMEMBERED,
    AGENT,
    CHANNEL,
    DEVICE,
    LONGEST,
    REASON,
    RESERVED_AGENTS,
    _good_channels,
    are_channels,
    is_agent,
    is_name,
)

KINDS = [AGENT, DEVICE, CHANNEL, REASON]


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(max_size=130))
def test_a_name_has_no_character_that_needs_quoting(kind: re.Pattern[str], text: str) -> None:
    if is_name(kind, text):
        assert re.fullmatch(r"[a-z0-9_-]+", text)
        assert len(text) <= LONGEST


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_name_is_too_long_for_its_own_rule(kind: re.Pattern[str], data: st.DataObject) -> None:
    text = data.draw(st.from_regex(kind, fullmatch=True))

    assert is_name(kind, text)


@given(st.sets(st.one_of(st.from_regex(CHANNEL, fullmatch=True), st.text(max_size=9)), max_size=6))
def test_many_channels_are_judged_as_each_one_is(names: set[str]) -> None:
    expected = all(is_name(CHANNEL, name) for name in names)

    assert are_channels(names) is expected
    assert are_channels(names) is expected


def test_what_is_remembered_of_channels_is_bounded() -> None:
    for start in range(0, 4 * _REMEMBERED, _REMEMBERED):
        assert are_channels({f"c{number}" for number in range(start, start + _REMEMBERED)})

    assert len(_good_channels) <= 2 * _REMEMBERED + 1
    assert not are_channels({"c1", "C1"})


@pytest.mark.parametrize("name", ["a", "gw-1", "0", "a" * 40])
def test_an_agent_s_name(name: str) -> None:
    assert is_agent(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a b", "a\n", "ă", "a" * 41])
def test_no_agent_s_name(name: str) -> None:
    assert not is_agent(name)


@pytest.mark.parametrize("name", sorted(RESERVED_AGENTS))
def test_no_agent_takes_the_collector_s_branch(name: str) -> None:
    assert is_name(AGENT, name)
    assert not is_agent(name)


@pytest.mark.parametrize("name", ["a", "voltage_l1", "a1_2b", "a" + "_b" * 62])
def test_a_channel_s_name(name: str) -> None:
    assert is_name(CHANNEL, name)


@pytest.mark.parametrize(
    "name", ["a__b", "_a", "a_", "1a", "a-b", "", "a" + "_b" * 63, "a" * 10**6]
)
def test_no_channel_s_name(name: str) -> None:
    assert not is_name(CHANNEL, name)
