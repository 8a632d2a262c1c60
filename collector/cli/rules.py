"""`collector rules`: alarm rules, looked over before they come into force."""

from pathlib import Path
from typing import Annotated

import typer

from collector.alarms import rules
from collector.cli.exits import told

app = typer.Typer(no_args_is_help=True, help="Alarm rules.")


@app.command("check")
def check(file: Annotated[Path, typer.Argument(help="A file of alarm rules.")]) -> None:
    """Check a file of alarm rules; ends with 2 and the lines that are wrong.

    Example: collector rules check rules.yaml
    """
    with told():
        found = rules.load(file)
    typer.echo(f"{file}: {len(found)} rules")


@app.command("list")
def list_rules(file: Annotated[Path, typer.Argument(help="A file of alarm rules.")]) -> None:
    """List the rules in a file with what somebody must do.

    Example: collector rules list rules.yaml
    """
    with told():
        for rule in rules.load(file):
            typer.echo(f"{rule.id}  {rule.priority}  {rule.title}: {rule.action}")
