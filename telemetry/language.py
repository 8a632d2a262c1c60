"""What people read, in Vietnamese and in English: a phrase carries both, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lang(StrEnum):
    """A language that a reader may choose."""

    VI = "vi"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text in both languages, with the same `{facts}` in each."""

    en: str
    vi: str

    def __call__(self, lang: Lang, /, **facts: object) -> str:
        """The text in `lang`, with its facts put in."""
        return (self.vi if lang is Lang.VI else self.en).format(**facts)


def spoken(environment: Mapping[str, str]) -> Lang:
    """Vietnamese where LC_ALL, LC_MESSAGES or LANG says so, else English."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((environment[name] for name in names if environment.get(name)), "")
    return Lang.VI if chosen.startswith("vi") else Lang.EN
