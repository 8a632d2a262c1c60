"""From a word to a profile: its id, or a list of what comes near, or of the classes there are."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_profiles.model import Profile
    from telemetry.language import Lang

MOST = 10
"""Lines of a list, so that it fits a terminal with the question."""

NEAR = Phrase(en="which of these?", vi="loại nào trong số này?")
NONE = Phrase(
    en="nothing like that; ? lists the classes, docs/add-a-device.md tells how to add one",
    vi="không có; gõ ? để xem các loại, docs/add-a-device.md hướng dẫn thêm thiết bị mới",
)
CLASSES = Phrase(en="classes (type one):", vi="các loại (gõ tên một loại):")
MORE = Phrase(en="… and {n} more: type more letters", vi="… và {n} nữa: gõ thêm chữ")


def check(profiles: Mapping[str, Profile], lang: Lang) -> Callable[[str], str | None]:
    """Tells of an answer what to choose from; None if it is a profile's id."""

    def tell(text: str) -> str | None:
        if text in profiles:
            return None
        if text == "?":
            return f"{CLASSES(lang)} {', '.join(classes(profiles))}"
        found = near(text, profiles)
        if not found:
            return NONE(lang)
        lines = [f"{profile.id}: {profile.title}" for profile in found[:MOST]]
        more = [MORE(lang, n=len(found) - MOST)] if len(found) > MOST else []
        return f"{NEAR(lang)} " + "; ".join([*lines, *more])

    return tell


def classes(profiles: Mapping[str, Profile]) -> list[str]:
    """What kinds of device there are."""
    return sorted({profile.device_class for profile in profiles.values()})


def near(text: str, profiles: Mapping[str, Profile]) -> list[Profile]:
    """Those of a class, else those that say the words, else those that are spelled alike."""
    of_class = [each for each in profiles.values() if each.device_class == text]
    if of_class:
        return of_class
    words = text.casefold().split()
    said = [each for each in profiles.values() if all(word in _said(each) for word in words)]
    if said:
        return said
    return [profiles[name] for name in difflib.get_close_matches(text, profiles, MOST, 0.4)]


def _said(profile: Profile) -> str:
    return f"{profile.id} {profile.title} {profile.device_class}".casefold()
