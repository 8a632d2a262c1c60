"""One question on the terminal: asked until its answer is right, and what is right for an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from telemetry.language import Phrase
from telemetry.layout import labelled
from telemetry.names import DEVICE as DEVICE_NAME
from telemetry.names import is_agent, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry.language import Lang

    Check = Callable[[str], str | None]

LONGEST = 33
"""Characters of a device's id: 40 with `-health`, which its counters' id ends in."""

NAME_MAX = 40
PARITIES = ("N", "E", "O")

NOT_AGENT = Phrase(
    en="should be a-z, 0-9 and -, at most 40, such as gw-district-1",
    vi="chỉ gồm a-z, 0-9 và -, tối đa 40 ký tự, ví dụ gw-district-1",
)
NOT_NAME = Phrase(
    en="should be a-z, 0-9, - and _, at most {longest}",
    vi="chỉ gồm a-z, 0-9, - và _, tối đa {longest} ký tự",
)
TAKEN = Phrase(en="{name} is taken already", vi="{name} đã được dùng")
RESERVED = Phrase(
    en="{name} is a name of the agent's own samples", vi="{name} là tên dành riêng cho agent"
)
NOT_BAUD = Phrase(en="should be such as 9600, 19200", vi="phải là số như 9600, 19200")
NOT_PARITY = Phrase(en="should be N, E or O", vi="phải là N, E hoặc O")
NOT_UNIT = Phrase(en="should be 1 to 247", vi="phải từ 1 đến 247")


def asked(question: str, check: Check | None = None, *, default: str | None = None) -> str:
    """An answer that is right; a wrong one is explained, and asked for again."""
    while True:
        answer = str(
            typer.prompt(
                question, default="" if default is None else default, show_default=bool(default)
            )
        ).strip()
        if not answer and default == "":
            return ""
        reason = check(answer) if check else None
        if answer and reason is None:
            return answer
        typer.echo(labelled("!", reason or question, indent=2, width=1))


def agent_check(lang: Lang) -> Check:
    """Whether it can be the id of an agent."""
    return lambda text: None if is_agent(text) else NOT_AGENT(lang)


def name_check(lang: Lang, taken: Sequence[str], longest: int) -> Check:
    """Whether it is a name that nobody has yet."""

    def check(text: str) -> str | None:
        if not is_name(DEVICE_NAME, text) or len(text) > longest:
            return NOT_NAME(lang, longest=longest)
        if text == "gateway" or text.endswith("-health"):
            return RESERVED(lang, name=text)
        return TAKEN(lang, name=text) if text in taken else None

    return check


def baud_check(lang: Lang) -> Check:
    """Whether a bus can have that speed."""

    def check(text: str) -> str | None:
        is_right = text.isdecimal() and 300 <= int(text) <= 4_000_000  # noqa: PLR2004 - as a bus has it
        return None if is_right else NOT_BAUD(lang)

    return check


def parity_check(lang: Lang) -> Check:
    """Whether it is a parity, in either case."""
    return lambda text: None if text.upper() in PARITIES else NOT_PARITY(lang)


def unit_check(lang: Lang) -> Check:
    """Whether a Modbus device can have that address."""

    def check(text: str) -> str | None:
        is_right = text.isdecimal() and 1 <= int(text) <= 247  # noqa: PLR2004 - Modbus over Serial Line V1.02, §2.2
        return None if is_right else NOT_UNIT(lang)

    return check
