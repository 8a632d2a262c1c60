"""What may leave a gateway in a support bundle, and what is blotted out.

Twice: a document shows only the values of keys that are known and not secret, and comments are
not in it; then every text loses whatever is known to be a secret here, and what looks like one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

BLOT = "***"

SECRET = frozenset(
    ("password", "passwd", "pass", "pwd", "secret", "token", "psk", "credential", "credentials")
) | {"auth", "apikey", "key"}
"""Words of a key's name whose value is a secret, unless it names a file."""

FILES = frozenset({"password_file", "token_file", "key", "certificate", "ca"})
"""Keys whose value is a file's path; of a secret's file only the name is shown."""

SHORTEST = 4
"""Characters from which on a secret is searched for: a shorter one would blot out anything."""

_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_USER = re.compile(r"[^\s/:@'\"]*:[^\s/@'\"]+@(?=[\w\[])")
_NAMED = re.compile(
    r"(?i)\b((?:[\w-]*[_-])?(?:password|passwd|pwd|secret|token|psk|api[_-]?key)\"?\s*[=:]\s*\"?"
    r"|bearer\s+)[^\s\"',;]+"
)


def document(
    value: object,
    known: Collection[str],
    is_file: Callable[[str], bool],
    key: str = "",
) -> object:
    """The configuration with its secrets blotted out.

    Args:
        value: what YAML made of the file, or a part of it under `key`.
        known: the keys that a configuration can have; the value of any other is not shown.
        is_file: whether a path is one.
        key: that this part stands under.
    """
    match value:
        case dict():
            return {
                str(name): document(each, known, is_file, str(name)) if str(name) in known else BLOT
                for name, each in value.items()
            }
        case list():
            return [document(each, known, is_file, key) for each in value]
        case str() if key in FILES:
            return f".../{value.rpartition('/')[2]}" if is_file(value) else BLOT
        case _ if _is_secret(key):
            return BLOT
        case str():
            return patterns(value)
        case _:
            return value


def secrets(value: object, is_file: Callable[[str], bool], key: str = "") -> Iterator[str]:
    """What stands in a configuration and is no file's name, though it should be none but that."""
    match value:
        case dict():
            for name, each in value.items():
                yield from secrets(each, is_file, str(name))
        case list():
            for each in value:
                yield from secrets(each, is_file, key)
        case str() if (key in FILES and not is_file(value)) or (
            key not in FILES and _is_secret(key)
        ):
            yield value
        case str():
            yield from (found[0].partition(":")[2].rstrip("@") for found in _USER.finditer(value))
        case _:
            return


def scrubbed(text: str, secret: Iterable[str]) -> str:
    """The text without these secrets, however they are escaped, nor what looks like one."""
    spellings = {spelling for each in secret for spelling in _spellings(each)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, BLOT)
    return patterns(text)


def patterns(text: str) -> str:
    """The text without PEM blocks, `user:password@`, and what is called a password or token."""
    text = _PEM.sub(BLOT, text)
    text = _USER.sub(f"{BLOT}@", text)
    return _NAMED.sub(rf"\1{BLOT}", text)


def _is_secret(key: str) -> bool:
    return not SECRET.isdisjoint(re.split(r"[_-]", key.lower()))


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it is, its lines, and as JSON, YAML and URLs write it."""
    for part in {secret, secret.strip(), *secret.splitlines()}:
        if len(part) >= SHORTEST:
            yield from (part, quote(part, safe=""), quote(part))
            yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
            yield part.replace("'", "''")
