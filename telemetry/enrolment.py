"""The bundle that enrols an agent: made by `collector agents add`, applied by `edge-agent enroll`.

One file is all that is carried to a gateway, so the authority's certificate travels inside it.
It holds a password.
"""

from __future__ import annotations

from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, ConfigDict, Field

from telemetry.names import is_agent
from telemetry.settings import Settings


def _agent_id(text: str) -> str:
    if not is_agent(text):
        raise ValueError(f"{text!r} is no agent id")
    return text


class Enrolment(Settings):
    """Where an agent sends to, and as whom; `ca` is PEM, or None without TLS (loopback)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["enrolment/1"] = Field("enrolment/1", alias="schema")
    agent: Annotated[str, AfterValidator(_agent_id)]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    username: str = Field(min_length=1)
    password: str = Field(min_length=1)
    ca: str | None = None


def spell(enrolment: Enrolment) -> str:
    """The bundle as YAML."""
    document = enrolment.model_dump(by_alias=True, exclude_none=True)
    head = f"# Enrols {enrolment.agent}. It holds a password: carry it safely, then delete it.\n"
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
