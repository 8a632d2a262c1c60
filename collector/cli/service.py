"""`collector init`, `check`, `run`: set it up, look it over, let it work."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import httpx
import typer

from collector import checkup, config, starter
from collector.checkup import Finding, Level
from collector.cli import online
from collector.cli.exits import Exit, leave, told
from collector.cli.options import ConfigFile, Json, Language
from collector.config import CollectorConfig
from telemetry import extras, logs
from telemetry.language import Lang, Phrase
from telemetry.layout import labelled
from telemetry.logs import LogFormat
from telemetry.settings import SettingsError

CONFIGURATION = Phrase(en="configuration: {path}", vi="cấu hình: {path}")
NONE_RUNS = Phrase(
    en="collector: none runs at {url}", vi="collector: không có collector nào chạy tại {url}"
)
PART = {
    "up": Phrase(en="running collector: {part} up", vi="collector đang chạy: {part} hoạt động"),
    "down": Phrase(en="running collector: {part} down", vi="collector đang chạy: {part} hỏng"),
}
FILE = Path("collector.yaml")
WROTE = Phrase(en="wrote {path}", vi="đã ghi {path}")
NEXT = Phrase(
    en="next:\n  collector check{config}\n  collector run{config}    # in a terminal of its own\n"
    "  collector agents add gw-1{config}    # lets a gateway in",
    vi="tiếp theo:\n  collector check{config}\n  collector run{config}    # ở một cửa sổ riêng\n"
    "  collector agents add gw-1{config}    # cho phép một gateway kết nối",
)


def init(
    config_file: Annotated[Path, typer.Option("--config", "-c", help="The file to write.")] = FILE,
    data_dir: Annotated[Path, typer.Option(help="Where the collector keeps its data.")] = Path(
        "data"
    ),
    *,
    lang: Language,
) -> None:
    """Write a first configuration, with rules and secrets.

    Example: collector init && collector check && collector run
    """
    with told():
        try:
            written = starter.write(config_file, data_dir)
        except starter.AlreadyThere as error:
            leave(str(error), Exit.WRONG_INPUT)
        except OSError as error:
            leave(f"{error.filename}: {error.strerror}", Exit.FAILED)
        for path in written:
            typer.echo(WROTE(lang, path=path))
        config = "" if config_file == FILE else f" -c {config_file}"
        typer.echo(NEXT(lang, config=config))


def check(
    config_file: ConfigFile,
    lang: Language,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server.")] = False,
    as_json: Json = False,
) -> None:
    """Check files, programs, broker, store, running collector.

    Example: collector check --offline --config collector.yaml

    Ends with 1 if anything is FAIL.
    """
    findings = _findings(config_file, lang, offline=offline)
    if as_json:
        document = [{"level": f.level, "text": f.text} for f in findings]
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            typer.echo(labelled(finding.level, finding.text, width=5))
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(Exit.FAILED)


def run(
    config_file: ConfigFile,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[LogFormat, typer.Option(help="text or json.")] = LogFormat.TEXT,
) -> None:
    """Run the collector until SIGTERM or Ctrl-C.

    Example: collector run --config /etc/city-telemetry/collector.yaml
    """
    if log_level not in ("debug", "info", "warning", "error"):
        leave(f"--log-level {log_level}: debug, info, warning or error", Exit.WRONG_INPUT)
    logs.configure(log_level, log_format)
    with extras.imports("collector", "collector", os.environ):
        from collector import app  # noqa: PLC0415 - half a second that no other command should wait

    with told():
        asyncio.run(app.run(config.load(config_file)))


def _findings(config_file: Path, lang: Lang, *, offline: bool) -> list[Finding]:
    try:
        settings = config.load(config_file)
    except SettingsError as error:
        return [Finding(Level.FAIL, problem) for problem in error.problems]
    first = Finding(Level.OK, CONFIGURATION(lang, path=config_file))
    if offline:
        return [first, *asyncio.run(checkup.offline(settings, lang))]
    return [first, *asyncio.run(_all(settings, lang)), *_running(config_file, lang)]


async def _all(settings: CollectorConfig, lang: Lang) -> list[Finding]:
    return [*await checkup.offline(settings, lang), *await checkup.online(settings, lang)]


def _running(config_file: Path, lang: Lang) -> list[Finding]:
    """What a running collector says of itself."""
    collector = online.find(config_file, None, None, lang)
    try:
        health = httpx.get(f"{collector.url}/healthz", verify=collector.verify).json()
    except (httpx.TransportError, ValueError):
        return [Finding(Level.WARN, NONE_RUNS(lang, url=collector.url))]
    return [
        Finding(
            Level.OK if health.get(part) == "up" else Level.FAIL,
            PART["up" if health.get(part) == "up" else "down"](lang, part=part),
        )
        for part in ("broker", "store")
    ]
