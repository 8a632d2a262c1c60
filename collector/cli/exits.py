"""How commands end: with an exit code that means something, and one line that says why."""

from __future__ import annotations

import contextlib
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn

import typer

from collector.api.tokens import NoSuchToken, NotATokenName, TokenExists
from collector.broker.agents import AgentExists, NoSuchAgent, NotAnAgentId
from collector.failures import CannotStart
from collector.journal.journal import JournalUnusable
from collector.private_files import Damaged
from collector.stores import StoreUnavailable
from collector.stores.query import QueryRefused
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Exit(IntEnum):
    """What a script may rely on."""

    FAILED = 1
    """It was tried, and did not succeed; `check` found a FAIL."""
    WRONG_INPUT = 2
    """A flag, a name or a file is wrong; nothing was tried."""
    NO_ANSWER = 3
    """The collector or its store does not answer."""


WRONG_INPUT = (
    SettingsError,
    QueryRefused,
    AgentExists,
    NoSuchAgent,
    NotAnAgentId,
    TokenExists,
    NoSuchToken,
    NotATokenName,
)
FAILED = (CannotStart, JournalUnusable, Damaged)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what can be expected to go wrong into one line and an exit code."""
    try:
        yield
    except WRONG_INPUT as error:
        leave(str(error), Exit.WRONG_INPUT)
    except StoreUnavailable as error:
        leave(f"the store does not answer: {error}", Exit.NO_ANSWER)
    except FAILED as error:
        leave(str(error), Exit.FAILED)
    except PermissionError as error:
        leave(f"{error.filename}: {error.strerror}; run it as the collector's user", Exit.FAILED)


def leave(message: str, code: Exit) -> NoReturn:
    """End the command."""
    print(message, file=sys.stderr)  # noqa: T201 - a command speaks to people
    raise typer.Exit(code)
