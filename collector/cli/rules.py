"""`collector rules`: alarm rules, looked over before they come into force."""

from pathlib import Path
from typing import Annotated

import typer

from collector.alarms import rules
from collector.cli.exits import told
from collector.cli.options import Language
from collector.cli.texts import Text, say
from telemetry.language import Phrase
from telemetry.layout import folded

EXAMPLES = """\b
Examples:
  collector rules check rules.yaml
  collector rules list rules.yaml
"""

app = typer.Typer(no_args_is_help=True, help="Alarm rules.", epilog=EXAMPLES)

File = Annotated[Path, typer.Argument(help="A file of alarm rules.")]

ONE = Phrase(en="{file}: 1 rule", vi="{file}: 1 quy tắc")
SEVERAL = Phrase(en="{file}: {n} rules", vi="{file}: {n} quy tắc")


@app.command("check")
def check(file: File, lang: Language) -> None:
    """Check a file of alarm rules. Ends with 2 and the lines that are wrong.

    Example: collector rules check rules.yaml
    """
    with told():
        found = rules.load(file)
    typer.echo((ONE if len(found) == 1 else SEVERAL)(lang, file=file, n=len(found)))


@app.command("list")
def list_rules(file: File, lang: Language) -> None:
    """List the rules in a file with what somebody must do.

    Example: collector rules list rules.yaml
    """
    with told():
        found = rules.load(file)
    for rule in found:
        typer.echo(f"{rule.id}  {say(rule.priority, lang)}")
        typer.echo(folded(rule.title, "  ", "    "))
        typer.echo(folded(f"{say(Text.ACTION, lang)}: {rule.action}", "  ", "    "))
