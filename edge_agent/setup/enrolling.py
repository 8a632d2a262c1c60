"""Applying an enrolment: the secrets beside the configuration, and its `uplink` made to fit.

The configuration is a text with comments that people wrote, so only the lines of its `uplink` are
replaced, and what they were is kept in a file beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from edge_agent.config import AgentConfig
from edge_agent.setup.replacing import write_like
from telemetry import settings

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry.enrolment import Enrolment

PASSWORD_FILE = "uplink-password"  # noqa: S105 - a file's name
CA_FILE = "uplink-ca.pem"
KEPT_SUFFIX = ".before-enrolment"

_UPLINK = re.compile(r"^uplink:.*\n(?:(?:[ \t#].*)?\n)*", re.MULTILINE)
"""The key and all that is indented, commented or blank under it."""


class CannotEnrol(Exception):
    """The bundle does not fit this agent, or its files cannot be written."""


def apply(enrolment: Enrolment, config: Path) -> list[Path]:
    """Have the agent of `config` send where the bundle says; the files that were written.

    Raises:
        CannotEnrol: if the bundle is another agent's, or a file cannot be written.
        SettingsError: if the configuration is not right, before or after.
    """
    known = settings.load(config, AgentConfig)
    if known.agent.id != enrolment.agent:
        raise CannotEnrol(
            f"{config} is of agent {known.agent.id!r}; the bundle is of {enrolment.agent!r}"
        )
    before = config.read_text(encoding="utf-8")
    after = with_uplink(before, _uplink(enrolment, config.absolute().parent))
    settings.parse(after, AgentConfig, str(config))
    secrets = {config.with_name(PASSWORD_FILE): enrolment.password + "\n"}
    if enrolment.ca is not None:
        secrets[config.with_name(CA_FILE)] = enrolment.ca
    kept = config.with_name(config.name + KEPT_SUFFIX)
    if not kept.exists():  # what people wrote, not what an earlier enrolment did
        secrets[kept] = before
    try:
        for path, text in {**secrets, config: after}.items():
            write_like(config, path, text)
    except OSError as error:
        raise CannotEnrol(f"{error.filename}: {error.strerror}") from error
    return [*secrets, config]


def with_uplink(text: str, uplink: dict[str, object]) -> str:
    """The configuration's text with another `uplink`."""
    block = yaml.safe_dump({"uplink": uplink}, sort_keys=False, allow_unicode=True)
    found = _UPLINK.search(text + "\n")
    if found is None:
        return f"{text.rstrip()}\n\n{block}"
    rest = text[found.end() :]
    return f"{text[: found.start()]}{block}\n{rest}" if rest else text[: found.start()] + block


def _uplink(enrolment: Enrolment, directory: Path) -> dict[str, object]:
    uplink: dict[str, object] = {
        "host": enrolment.host,
        "port": enrolment.port,
        "username": enrolment.username,
        "password_file": str(directory / PASSWORD_FILE),
    }
    if enrolment.ca is not None:
        uplink["tls"] = {"ca": str(directory / CA_FILE)}
    return uplink
