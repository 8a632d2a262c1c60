"""The ids that a configuration gives: of the agent, and of what is on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from telemetry.names import DEVICE, is_agent, is_name


def _agent_id(text: str) -> str:
    if not is_agent(text):
        raise ValueError(f"{text!r} should be a-z, 0-9 and -, at most 40, such as gw-district-1")
    return text


def _name(text: str) -> str:
    if not is_name(DEVICE, text):
        raise ValueError(f"{text!r} should be a-z, 0-9, - and _, at most 40, such as meter-1")
    return text


AgentId = Annotated[str, AfterValidator(_agent_id)]
"""The id of a gateway."""

Name = Annotated[str, AfterValidator(_name)]
"""The id of a bus, device, profile or site."""
