"""The `collector` command: run it, look after it, ask it."""

import os

import typer

from telemetry import extras

with extras.imports("collector", "collector", os.environ):
    from collector.cli import alarms, dead_letters, query, registers, rules, service, store, watch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="""City Telemetry's collector: takes samples from gateways, raises alarms, stores, answers.

    A first start: collector init && collector check && collector run

    Exit codes: 0 done, 1 failed, 2 wrong input, 3 the collector or its store does not answer.
    """,
)
app.command()(service.init)
app.command()(service.check)
app.command()(service.run)
app.command(epilog=query.EXAMPLES)(query.query)
app.command(epilog=watch.EXAMPLES)(watch.watch)
app.add_typer(alarms.app, name="alarms")
app.add_typer(registers.agents, name="agents")
app.add_typer(registers.tokens, name="tokens")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(rules.app, name="rules")
app.add_typer(store.app, name="store")
