"""Files to profiles: the catalogue that ships with the package, and a site's own directories."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from device_profiles.model import model_of
from telemetry import settings
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_profiles.model import AnyProfile

CATALOGUE = Path(__file__).parent / "catalogue"


class UnknownProfile(LookupError):
    """No directory has a profile of this id."""


def parse(text: str, name: str) -> AnyProfile:
    """The profile in a text; `name` is what errors call it.

    Raises:
        SettingsError: if something in it is wrong, with the lines.
    """
    document, lines = settings.read_yaml(text, name)
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
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        raise UnknownProfile(f"there is no profile {name!r}; {hint}")
    return load(known[name])
