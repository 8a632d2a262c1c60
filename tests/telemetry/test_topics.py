"""Promise: a topic says whose message it is; no topic of another shape passes for one of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import topics
from telemetry.names import RESERVED_AGENTS
from telemetry.topics import SEQ_MAX, AboutTopic, EnvelopeTopic, Lane, StatusTopic, parse_up

agents = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True).filter(
    lambda agent: agent not in RESERVED_AGENTS
)
ours = st.one_of(
    st.builds(
        EnvelopeTopic,
        agents,
        st.sampled_from(Lane),
        st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
        st.integers(1, SEQ_MAX),
    ),
    st.builds(StatusTopic, agents),
    st.builds(AboutTopic, agents),
)


@given(ours)
def test_a_topic_reads_as_it_was_written(topic: topics.UpTopic) -> None:
    assert parse_up(str(topic)) == topic


@given(st.text(max_size=80))
def test_other_text_is_none_of_ours(text: str) -> None:
    topic = parse_up(text)

    assert topic is None or str(topic) == text


def test_topics_are_spelt_as_documented() -> None:
    envelope = EnvelopeTopic("gw-1", Lane.BACKLOG, "9f86d081884c7d65", 17)

    assert str(envelope) == "ct/v1/gw-1/up/backlog/9f86d081884c7d65/17"
    assert str(StatusTopic("gw-1")) == "ct/v1/gw-1/up/status"
    assert str(AboutTopic("gw-1")) == "ct/v1/gw-1/up/about"
    assert topics.receipts("gw-1") == "ct/v1/gw-1/down/receipts"
    assert topics.presence("c1") == "ct/v1/collector/c1/presence"
    assert topics.ALL_UP == "ct/v1/+/up/#"
    assert topics.ALL_PRESENCE == "ct/v1/collector/+/presence"


@pytest.mark.parametrize(
    "topic",
    [
        "ct/v2/gw-1/up/status",
        "ct/v1/GW-1/up/status",
        "ct/v1/collector/up/status",
        "ct/v1//up/status",
        "ct/v1/gw-1/down/receipts",
        "ct/v1/gw-1/up/status/",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/0",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/01",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/-1",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/9223372036854775808",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/1\n",
        "ct/v1/gw-1/up/live/9f86d081884c7d65/\u0661",
        "ct/v1/gw-1/up/live/9F86D081884C7D65/1",
        "ct/v1/gw-1/up/live/9f86/1",
        "ct/v1/gw-1/up/dead/9f86d081884c7d65/1",
    ],
)
def test_nearly_ours_is_not_ours(topic: str) -> None:
    assert parse_up(topic) is None
