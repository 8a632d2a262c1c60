"""Names that become topics, tags, table and column names: which characters they may have.

One rule for each, checked where a name enters, so that nothing behind it has to quote or escape.
"""

from __future__ import annotations

import re
from functools import lru_cache

AGENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""An agent's id: at most 40 of `a-z 0-9 -` (some brokers refuse dots and spaces in client ids)."""

DEVICE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
"""A device's, profile's or site's id: as an agent's, `_` too."""

CHANNEL = re.compile(r"[a-z](?:_?[a-z0-9]){0,62}")
"""A channel or measurement: snake_case without a double underscore, at most 125 characters.

The double underscore is the stores': `voltage__flag` stands beside `voltage`.
"""

REASON = re.compile(r"[a-z](?:_?[a-z0-9]){0,39}")
"""Why a value is not good, after the quality: `no_reply`."""

RESERVED_AGENTS = frozenset({"collector"})
"""Agent ids that would collide with a topic branch of the collector's."""

RESERVED_CHANNELS = frozenset({"time", "agent", "device", "profile"})
"""Channels that would collide with what stores put beside them.

InfluxDB answers 204 and drops a field named `time`; one named as a tag hides the tag from queries.
"""


LONGEST = 125
"""No name is longer; so the cache below is bounded in bytes too."""


def is_name(pattern: re.Pattern[str], text: str) -> bool:
    """Whether `text`, whole, is a name of that kind."""
    return len(text) <= LONGEST and _matches(pattern, text)


_REMEMBERED = 65_536


@lru_cache(maxsize=_REMEMBERED)
def _matches(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None


_good_channels: set[str] = set()


def are_channels(names: set[str]) -> bool:
    """Whether all of `names` are channels: what `is_name` tells, at a fifth of its time.

    Which channels are good is remembered, because every device of every envelope names all of its.
    """
    if _good_channels >= names:
        return True
    if not all(is_name(CHANNEL, name) for name in names):
        return False
    if len(_good_channels) > _REMEMBERED:
        _good_channels.clear()
    _good_channels.update(names)
    return True


def is_agent(text: str) -> bool:
    """Whether `text` may be an agent's id."""
    return is_name(AGENT, text) and text not in RESERVED_AGENTS
