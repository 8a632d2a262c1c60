"""Options that several commands share: spelt and explained once."""

import os
from pathlib import Path
from typing import Annotated

import typer

from telemetry.language import Lang, spoken

SYSTEM_CONFIG = Path("/etc/city-telemetry/collector.yaml")


def default_config() -> Path:
    """`COLLECTOR_CONFIG`, else a collector.yaml here, else the system's."""
    named = os.environ.get("COLLECTOR_CONFIG")
    here = Path("collector.yaml")
    return Path(named) if named else here if here.exists() else SYSTEM_CONFIG


ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        default_factory=default_config,
        show_default=f"$COLLECTOR_CONFIG, ./collector.yaml or {SYSTEM_CONFIG}",
        help="The collector's configuration.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(help="Ask the collector at this address, https://centre.example.vn:8420."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(help="A file with your token; unless given, this machine's own is used."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
Language = Annotated[
    Lang,
    typer.Option(
        "--lang",
        default_factory=lambda: spoken(os.environ),
        show_default="what LC_ALL, LC_MESSAGES or LANG says",
        help="vi or en.",
    ),
]
