"""Promise: who reads Vietnamese is spoken to in Vietnamese, and everybody else in English."""

from __future__ import annotations

import pytest

from telemetry.language import Lang, Phrase, spoken


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
