"""`edge-agent enroll`: apply the bundle that the collector made for this agent."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from edge_agent.cli.options import PLACES, Config, Language, config_path, fail
from edge_agent.setup import enrolling
from edge_agent.setup.enrolling import CannotEnrol
from telemetry import settings
from telemetry.enrolment import Enrolment
from telemetry.language import Phrase
from telemetry.layout import folded
from telemetry.settings import SettingsError

EXAMPLES = """\b
Examples:
  edge-agent enroll gw-1.enroll.yaml
  edge-agent enroll gw-1.enroll.yaml --config /etc/city-telemetry/agent.yaml

The bundle comes from `collector agents add gw-1`. It holds a password: delete it when applied.
What the configuration was is kept beside it.
"""


WROTE = Phrase(en="wrote {path}", vi="đã ghi {path}")
NEXT = Phrase(
    en="next: delete {bundle}, then `edge-agent check{config}`",
    vi="tiếp theo: xóa {bundle}, rồi chạy `edge-agent check{config}`",
)


def enroll(
    bundle: Annotated[Path, typer.Argument(help="The file from `collector agents add`.")],
    config: Config = None,
    *,
    lang: Language,
) -> None:
    """Apply the collector's bundle: credentials, and where to send."""
    path = config_path(config, lang)
    try:
        written = enrolling.apply(settings.load(bundle, Enrolment), path)
    except SettingsError as error:
        fail(*error.problems)
    except CannotEnrol as error:
        fail(str(error))
    for each in written:
        typer.echo(WROTE(lang, path=each))
    typer.echo(folded(NEXT(lang, bundle=bundle, config="" if path in PLACES else f" -c {path}")))
