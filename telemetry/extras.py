"""A program's imports, told in one line when a library is missing: the extra that brings it.

Each side of the project installs only its own libraries; the scripts of all are always there.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from telemetry.language import Phrase, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS = frozenset({"telemetry", "device_profiles", "edge_agent", "collector", "firmware_bridge"})
"""Packages that are always there; if one is not found, that is a bug to be shown whole."""

MISSING, INTERRUPTED = 2, 130
"""Exit codes: as for any wrong command line; as shells have it for Ctrl-C (128 + SIGINT)."""

NEEDED = Phrase(
    en="{program} needs {library}, which is not installed: the extra {extra} brings it, so "
    "install city-telemetry[{extra}]",
    vi="{program} cần {library} nhưng máy chưa cài: phần bổ sung {extra} có thư viện này, "
    "hãy cài city-telemetry[{extra}]",
)


@contextlib.contextmanager
def imports(program: str, extra: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Around a program's imports: ends it if a library is missing, or on Ctrl-C meanwhile."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if not library or library in OURS:
            raise
        lang = spoken(environment)
        sys.stderr.write(NEEDED(lang, program=program, library=library, extra=extra) + "\n")
        raise SystemExit(MISSING) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
