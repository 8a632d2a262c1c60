"""Promise: who reads Vietnamese is spoken to in Vietnamese, and everybody else in English."""

from __future__ import annotations

import importlib
import pkgutil
import string
from typing import TYPE_CHECKING

import pytest

from telemetry.language import Lang, Phrase, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("telemetry", "device_profiles", "edge_agent", "collector", "firmware_bridge")

TERMS = frozenset({"", "broker", "bus", "collector", "gateway", "pid"})
"""Words that Vietnamese technicians use as they are."""

COMMANDS = ("edge-agent ", "collector ", "echo ", "sudo ")
"""What a phrase begins with that is typed as it stands."""


def phrases_in(part: object) -> Iterator[Phrase]:
    match part:
        case Phrase():
            yield part
        case dict():
            for each in part.values():
                yield from phrases_in(each)
        case list() | tuple():
            for each in part:
                yield from phrases_in(each)


def every_phrase() -> Iterator[tuple[str, Phrase]]:
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if not found.name.endswith("__main__"):
                for name, part in vars(importlib.import_module(found.name)).items():
                    yield from ((f"{found.name}.{name}", phrase) for phrase in phrases_in(part))


PHRASES = list(every_phrase())


def facts(text: str) -> list[tuple[str, str, str]]:
    """The places for facts, each with how it is spelled out."""
    parts = string.Formatter().parse(text)
    return sorted((name, form or "", turn or "") for _, name, form, turn in parts if name)


def is_term(text: str) -> bool:
    """Whether nothing in it can be said otherwise: a command, or terms and facts alone."""
    words = "".join(said for said, *_ in string.Formatter().parse(text)).casefold().split()
    return text.startswith(COMMANDS) or {word.strip("()") for word in words} <= TERMS


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "vi_VN.UTF-8"}, Lang.VI),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, Lang.EN),
        ({"LANG": "C", "LC_MESSAGES": "vi_VN"}, Lang.VI),
        ({"LC_ALL": "", "LANG": "vi_VN"}, Lang.VI),
        ({}, Lang.EN),
    ],
)
def test_the_language_is_the_one_of_the_locale(environment: dict[str, str], lang: Lang) -> None:
    assert spoken(environment) is lang


def test_a_phrase_carries_its_facts_in_either_language() -> None:
    phrase = Phrase(en="{count} devices answered", vi="{count} thiết bị đã trả lời")

    said = [phrase(lang, count=3) for lang in (Lang.EN, Lang.VI)]

    assert said == ["3 devices answered", "3 thiết bị đã trả lời"]


def test_commands_and_tables_of_phrases_are_looked_at() -> None:
    places = {place for place, _ in PHRASES}

    assert {"edge_agent.cli.ports.NONE", "edge_agent.cli.ports.BECAUSE"} <= places


def test_every_phrase_tells_the_same_facts_in_both_languages() -> None:
    differ = [place for place, phrase in PHRASES if facts(phrase.en) != facts(phrase.vi)]

    assert not differ


def test_every_phrase_is_said_in_both_languages_or_in_neither() -> None:
    silent = [place for place, phrase in PHRASES if bool(phrase.en) != bool(phrase.vi)]

    assert not silent


def test_what_is_no_term_is_translated() -> None:
    same = [place for place, phrase in PHRASES if phrase.en == phrase.vi and not is_term(phrase.en)]

    assert not same
