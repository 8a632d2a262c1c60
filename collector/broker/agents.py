"""Which agents may connect to the embedded broker, and what enrols one.

`agents.json` in the broker's directory is the register: ids and passwords, for its owner alone.
The broker's users file is written from it. Passwords stand there as they are, because the server
compares a million of them a second that way and because 256 random bits need no slow hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector import private_files
from collector.broker import conf, running
from telemetry.enrolment import Enrolment
from telemetry.names import is_agent

if TYPE_CHECKING:
    from pathlib import Path

    from collector.broker.settings import EmbeddedBroker

REGISTER_FILE = "agents.json"


class NoSuchAgent(LookupError):
    """The register does not have that id."""


class AgentExists(ValueError):
    """The register has that id already."""


class NotAnAgentId(ValueError):
    """The text cannot be an agent's id."""


@dataclass(frozen=True, slots=True)
class Register:
    """The agents of the embedded broker whose files are in `directory`."""

    directory: Path

    def passwords(self) -> dict[str, str]:
        """Every agent's password by its id."""
        return dict(private_files.read_json(self.directory / REGISTER_FILE) or {})

    def collector_password(self) -> str:
        """The collector's own password, made at the first call."""
        private_files.make_directory(self.directory)
        return private_files.find_or_make_secret(self.directory / conf.COLLECTOR_PASSWORD_FILE)

    def add(self, agent: str) -> str:
        """The new password of a new agent, known to a running broker at once.

        Raises:
            NotAnAgentId: if no agent can be called so.
            AgentExists: if one is.
        """
        if not is_agent(agent):
            raise NotAnAgentId(
                f"{agent!r} is no agent id: at most 40 of a-z 0-9 -, and not `collector`"
            )
        with private_files.alone_in(self.directory):
            passwords = self.passwords()
            if agent in passwords:
                raise AgentExists(
                    f"agent {agent!r} is in the register; remove it first to enrol it anew"
                )
            passwords[agent] = private_files.generate_secret()
            self._save(passwords)
        return passwords[agent]

    def remove(self, agent: str) -> None:
        """Shut an agent out; a running broker cuts its connection.

        Raises:
            NoSuchAgent: if it was not in.
        """
        with private_files.alone_in(self.directory):
            passwords = self.passwords()
            if passwords.pop(agent, None) is None:
                raise NoSuchAgent(f"no agent {agent!r} in the register")
            self._save(passwords)

    def publish(self) -> None:
        """Write the broker's users file and have a running broker read it."""
        with private_files.alone_in(self.directory):
            self._publish()

    def _publish(self) -> None:
        users = conf.render_users(self.collector_password(), self.passwords())
        private_files.write(self.directory / conf.USERS_FILE, users)
        running.reload(self.directory)

    def _save(self, passwords: dict[str, str]) -> None:
        private_files.write(self.directory / REGISTER_FILE, json.dumps(passwords, indent=1) + "\n")
        self._publish()


def enrolment(agent: str, password: str, broker: EmbeddedBroker) -> Enrolment:
    """What an agent needs in order to send to this broker."""
    return Enrolment(
        agent=agent,
        host=broker.reached_at,
        port=broker.listen.port,
        username=agent,
        password=password,
        ca=broker.tls.ca.read_text(encoding="ascii") if broker.tls else None,
    )
