"""`collector dead-letters`: samples that the store must not have."""

import json
from typing import Annotated

import typer

from collector.cli import moments, online
from collector.cli.exits import told
from collector.cli.options import ConfigFile, Json, Language, TokenFile, Url
from collector.cli.texts import Text, say
from telemetry.layout import table

app = typer.Typer(no_args_is_help=True, help="Samples that were put aside, and why.")


@app.command("list")
def list_dead_letters(  # noqa: PLR0913 - each is one option
    config_file: ConfigFile,
    lang: Language,
    *,
    after: Annotated[int, typer.Option(help="Only those behind this id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most of them.")] = 100,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """List samples of clocks that are wrong, or that the store refused.

    Example: collector dead-letters list --limit 10
    """
    with told():
        collector = online.find(config_file, url, token_file, lang)
    page = collector.get("/v1/dead-letters", after=after, limit=limit)
    if as_json:
        typer.echo(json.dumps(page, ensure_ascii=False))
    elif not page["dead_letters"]:
        typer.echo(say(Text.NO_DEAD_LETTERS, lang))
    else:
        rows = [
            (str(e["id"]), moments.show(e["at"]), e["agent"], e["device"], e["reason"])
            for e in page["dead_letters"]
        ]
        headings = (Text.NUMBER, Text.TIME, Text.AGENT, Text.DEVICE, Text.REASON)
        typer.echo("\n".join(table([say(heading, lang) for heading in headings], rows)))
