"""`edge-agent`: what a technician, an operator's script and systemd call."""

from __future__ import annotations

import os

import typer

from telemetry import extras

with extras.imports("edge-agent", "agent", os.environ):
    from edge_agent.cli import (
        check,
        diag,
        enroll,
        init,
        outbox,
        plan,
        ports,
        profiles,
        read,
        run,
        scan,
        state,
        test,
    )
    from edge_agent.simulate import command as simulation

EPILOG = """\b
A new gateway, in this order:
  ports, init (which also scans), enroll, check, test, run, status

\b
Exit codes:
  0  fine
  1  something fails: a check, a device that is silent, no running agent
  2  the command line, the configuration or a profile is wrong
"""

app = typer.Typer(
    name="edge-agent",
    help="Reads the devices of a site and delivers what they say, with nothing lost on the way.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    # rich would take 4 MB of the running agent's memory.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init", epilog=init.INIT_EXAMPLES)(init.init)
app.command("add", epilog=init.ADD_EXAMPLES)(init.add)
app.command("enroll", epilog=enroll.EXAMPLES)(enroll.enroll)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("ports", epilog=ports.EXAMPLES)(ports.ports)
app.command("scan", epilog=scan.EXAMPLES)(scan.scan_bus)
app.command("plan", epilog=plan.EXAMPLES)(plan.plan)
app.command("read", epilog=read.EXAMPLES)(read.read)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("test", epilog=test.EXAMPLES)(test.point_to_point)
app.command("status", epilog=state.EXAMPLES)(state.status)
app.command("outbox", epilog=outbox.EXAMPLES)(outbox.outbox)
app.command("diag", epilog=diag.EXAMPLES)(diag.diag)
app.command("simulate", epilog=simulation.EXAMPLES)(simulation.simulate)
app.add_typer(profiles.app, name="profiles")
