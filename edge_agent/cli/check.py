"""`edge-agent check`: everything that can be found wrong without polling a device."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.checks.broker import broker
from edge_agent.checks.buses import buses
from edge_agent.checks.files import files
from edge_agent.checks.finding import Verdict
from edge_agent.checks.machine import machine
from edge_agent.cli.options import Config, Json, Language, echo_json, load_site
from edge_agent.exits import Exit
from telemetry.language import Phrase
from telemetry.layout import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge_agent.checks.finding import Finding
    from edge_agent.site.site import Site
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent check
  edge-agent check --offline -c new.yaml    # before it is put into force
  edge-agent check --json | jq '.[] | select(.verdict == "FAIL")'

It polls no device and disturbs no running agent: it logs in to the broker
beside it, under a name of its own, and only listens.
Exits with 1 when something fails, with 2 when the configuration is wrong.
"""

SUMMARY = Phrase(
    en="checks: {all}; failed: {failed}; warnings: {warned}",
    vi="đã kiểm tra {all} mục; lỗi: {failed}; cảnh báo: {warned}",
)


def check(
    config: Config = None,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only the files: no port, clock or broker.")
    ] = False,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Find what is wrong, from the configuration to the login."""
    site = load_site(config, lang)
    found: list[Finding] = []
    for finding in files(site, lang) if offline else everything(site, lang):
        found.append(finding)
        if not as_json:
            typer.echo(lines(finding))
    if as_json:
        echo_json([asdict(finding) for finding in found])
    else:
        typer.echo(_summary(found, lang))
    if any(finding.verdict is Verdict.FAIL for finding in found):
        raise typer.Exit(Exit.NOT_WORKING)


def everything(site: Site, lang: Lang) -> Iterator[Finding]:
    """All checks, in the order in which one mends things."""
    yield from files(site, lang)
    yield from machine(site, lang)
    yield from buses(site, lang)
    yield from broker(site.config.uplink, site.config.agent.id, lang)


def lines(finding: Finding) -> str:
    """The verdict, what is so, and under it what to do."""
    told = labelled(finding.verdict, f"{finding.about}: {finding.says}", width=5)
    if not finding.do or finding.verdict is Verdict.OK:
        return told
    return told + "\n" + labelled("->", finding.do, indent=6, width=2)


def _summary(found: Sequence[Finding], lang: Lang) -> str:
    failed, warned = (
        sum(finding.verdict is verdict for finding in found)
        for verdict in (Verdict.FAIL, Verdict.WARN)
    )
    return SUMMARY(lang, all=len(found), failed=failed, warned=warned)
