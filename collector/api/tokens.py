"""Bearer tokens of the HTTP API: who holds one, and what its role lets them do.

The file keeps SHA-256 hashes. A token is 256 random bits, so a slow hash would protect nothing.
It is read at each request, so that a token that was just added or removed counts at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from collector import private_files
from telemetry.names import DEVICE, is_name

if TYPE_CHECKING:
    from pathlib import Path

TOKENS_FILE = "tokens.json"
LOCAL_TOKEN_FILE = "local.token"  # noqa: S105 - a file's name
LOCAL_NAME = "local"
"""The token that the command line on this machine uses: it can read the data directory anyway."""


class Role(StrEnum):
    """What a token may do; each includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the token's name and role."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    role: Role
    sha256: str


class TokenExists(ValueError):
    """A token of that name is there already."""


class NoSuchToken(LookupError):
    """There is no token of that name."""


class NotATokenName(ValueError):
    """The text cannot be a token's name."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens whose hashes are kept in `directory`."""

    directory: Path

    def add(self, name: str, role: Role) -> str:
        """A new token; this is the only time that it can be seen.

        Raises:
            NotATokenName: if nobody can be called so.
            TokenExists: if somebody is.
        """
        if not is_name(DEVICE, name):
            raise NotATokenName(f"{name!r} is no name: at most 40 of a-z 0-9 _ -")
        with private_files.alone_in(self.directory):
            if any(entry.name == name for entry in self._entries()):
                raise TokenExists(f"a token named {name!r} exists; remove it first")
            return self._give(name, role)

    def remove(self, name: str) -> None:
        """Make a token worthless.

        Raises:
            NoSuchToken: if there is none of that name.
        """
        with private_files.alone_in(self.directory):
            entries = self._entries()
            kept = [entry for entry in entries if entry.name != name]
            if len(kept) == len(entries):
                raise NoSuchToken(f"no token named {name!r}")
            self._save(kept)

    def callers(self) -> list[Caller]:
        """Whom tokens were given to."""
        return [Caller(entry.name, entry.role) for entry in self._entries()]

    def authenticate(self, token: str) -> Caller | None:
        """Who holds `token`; takes the same time whichever entry it is."""
        presented = _hash(token)
        found = None
        for entry in self._entries():
            if hmac.compare_digest(entry.sha256, presented):
                found = Caller(entry.name, entry.role)
        return found

    def local(self) -> str:
        """The token of this machine's own command line, made at the first call."""
        path = self.directory / LOCAL_TOKEN_FILE
        if not path.exists():
            with private_files.alone_in(self.directory):
                if not path.exists():
                    private_files.write(path, self._give(LOCAL_NAME, Role.ADMIN) + "\n")
        return path.read_text(encoding="utf-8").strip()

    def _give(self, name: str, role: Role) -> str:
        """A new token, in place of any other of that name."""
        token = private_files.generate_secret()
        others = [entry for entry in self._entries() if entry.name != name]
        self._save([*others, _Entry(name, role, _hash(token))])
        return token

    def _entries(self) -> list[_Entry]:
        entries = private_files.read_json(self.directory / TOKENS_FILE) or []
        return [_Entry(e["name"], Role(e["role"]), e["sha256"]) for e in entries]

    def _save(self, entries: list[_Entry]) -> None:
        text = json.dumps([asdict(entry) for entry in entries], indent=1)
        private_files.write(self.directory / TOKENS_FILE, text + "\n")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
