"""Files to profiles: the catalogue that ships with the package, and a site's own directories."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from device_profiles.model import FieldProtocol, model_of
from telemetry import settings
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from device_profiles.model import AnyProfile

CATALOGUE = Path(__file__).parent / "catalogue"


SPOKEN = ("modbus", *get_args(FieldProtocol))
"""The protocols that there are; a profile that names none speaks the first."""


class UnknownProfile(LookupError):
    """No directory has a profile of this id."""


def parse(text: str, name: str) -> AnyProfile:
    """The profile in a text; `name` is what errors call it.

    Raises:
        SettingsError: if something in it is wrong, with the lines.
    """
    document, lines = settings.read_yaml(text, name)
    if isinstance(document, dict) and (said := document.get("protocol", SPOKEN[0])) not in SPOKEN:
        line = lines["protocol",]
        raise SettingsError([f"{name}:{line}: protocol — nothing here speaks {_hint(said)}"])
    return settings.fit(document, lines, model_of(document), name)


def load(path: Path) -> AnyProfile:
    """The profile in a file, which is called after it.

    Raises:
        SettingsError: if it cannot be read or something in it is wrong, with the lines.
    """
    profile = parse(settings.read(path), str(path))
    if profile.id != path.stem:
        raise SettingsError([f"{path}: id {profile.id!r} should be the file's name"])
    return profile


def catalogue(directory: Path = CATALOGUE) -> dict[str, Path]:
    """The profiles' files in a directory, by id."""
    return {path.stem: path for path in sorted(directory.glob("*.yaml"))}


def find(name: str, extra_dirs: Sequence[Path] = ()) -> AnyProfile:
    """The profile of that id; a site's own directories, in order, stand before the catalogue.

    Raises:
        UnknownProfile: if there is none.
        SettingsError: if something in it is wrong.
    """
    known: dict[str, Path] = {}
    for directory in (*extra_dirs, CATALOGUE):
        known = catalogue(directory) | known
    if name not in known:
        raise UnknownProfile(f"there is no profile {_hint(name, known)}")
    return load(known[name])


LISTED = 20
"""Names in an error; more would hide what it says."""


def _hint(said: object, known: Collection[str] = SPOKEN) -> str:
    """What somebody said, and what they may have meant."""
    close = difflib.get_close_matches(str(said), known, n=1)
    if close:
        return f"{said!r}; did you mean {close[0]!r}?"
    if len(known) > LISTED:
        return f"{said!r}; `edge-agent profiles list` names all {len(known)}"
    return f"{said!r}; known are {', '.join(known)}"
