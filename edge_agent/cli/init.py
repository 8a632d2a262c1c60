"""`edge-agent init` and `edge-agent add`: a configuration to start from, and what comes later."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from device_profiles.loader import UnknownProfile, find
from edge_agent.cli import asking, wizard
from edge_agent.cli.options import PLACES, Config, Language, config_path, fail
from edge_agent.config import DATA_DIR
from edge_agent.setup import drafting
from edge_agent.setup.drafting import Draft, NotEditable, NotUnderstood
from edge_agent.setup.replacing import write_like
from edge_agent.site import site
from telemetry import settings
from telemetry.language import Lang, Phrase
from telemetry.layout import labelled
from telemetry.names import is_agent
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.setup.drafting import Entry

INIT_EXAMPLES = """\b
Examples:
  edge-agent init                                      # asks
  edge-agent init --non-interactive --id gw-1 --data-dir data \\
      --bus "id=rs485 port=/dev/ttyUSB0 baud=9600" \\
      --bus "id=cabinet host=192.0.2.10" \\
      --device "id=meter-1 bus=rs485 unit=1 profile=eastron-sdm120" \\
      --device "id=air-1 bus=cabinet profile=air-station label='Market hall'"

A bus has port= or host=, a device bus= and profile=; any other key of the
configuration may stand there too. Without transport= it is Modbus where the
profiles speak it. `edge-agent profiles list` and `edge-agent ports` know the
names; `edge-agent add` adds more later.
A file that exists is never overwritten.
"""

ADD_EXAMPLES = """\b
Examples:
  edge-agent add --device "id=meter-2 bus=rs485 unit=2 profile=eastron-sdm120"
  edge-agent add --bus "id=cabinet host=192.0.2.10" \\
      --device "id=air-1 bus=cabinet profile=air-station"

Comments and all other lines stay; the file as it was is kept beside it, as
agent.yaml.before-add. The agent must be restarted to take it up.
"""

KEPT_SUFFIX = ".before-add"

NEXT = Phrase(en="next:", vi="tiếp theo:")
WROTE = Phrase(en="wrote {path}", vi="đã ghi {path}")
EXISTS = Phrase(
    en="{path} exists; it is not overwritten. `edge-agent add` adds to it",
    vi="{path} đã có; không ghi đè. Dùng `edge-agent add` để thêm vào",
)
MAKE_DIRECTORY = Phrase(
    en="install -d {path}    # where the outbox will be",
    vi="install -d {path}    # nơi chứa hộp gửi",
)
ENROL = Phrase(
    en="edge-agent enroll {agent}.enroll.yaml{config}    # the bundle from the collector",
    vi="edge-agent enroll {agent}.enroll.yaml{config}    # gói đăng ký từ trung tâm",
)
CHECK = Phrase(
    en="edge-agent check{config}    # what is wrong, and what to do",
    vi="edge-agent check{config}    # còn gì sai, cách sửa",
)
TEST = Phrase(
    en="edge-agent test{config}    # prove each channel, write the sheet",
    vi="edge-agent test{config}    # kiểm tra từng kênh, lập biên bản",
)
RUN = Phrase(
    en="edge-agent run{config}    # or as a service",
    vi="edge-agent run{config}    # hoặc chạy như dịch vụ",
)
RESTART = Phrase(
    en="`edge-agent check`; an agent that runs must be restarted to take it up",
    vi="`edge-agent check`; agent đang chạy phải khởi động lại mới nhận cấu hình",
)

Buses = Annotated[
    list[str] | None,
    typer.Option("--bus", help="A bus, as KEY=VALUE words; repeat it.", metavar="WORDS"),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", help="A device, likewise.", metavar="WORDS"),
]


def init(  # noqa: PLR0913 - a command's options
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "agent.yaml"
    ),
    agent: Annotated[str, typer.Option("--id", help="The agent's id, such as gw-1.")] = "",
    site_id: Annotated[str, typer.Option("--site", help="The id of the place it stands at.")] = "",
    broker: Annotated[str, typer.Option(help="The broker's host.", show_default="127.0.0.1")] = "",
    bus: Buses = None,
    device: Devices = None,
    data_dir: Annotated[Path, typer.Option(help="Where the outbox is.")] = DATA_DIR,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing; take what is given.")
    ] = False,
    lang: Language,
) -> None:
    """Write a configuration with comments. Asks what is not given."""
    if output.exists():
        fail(EXISTS(lang, path=output))
    devices = [_entry("--device", words) for words in device or ()]
    draft = Draft(
        agent=agent,
        site=site_id,
        broker=broker,
        data_dir=data_dir,
        buses=_buses(bus or (), devices, taken=[]),
        devices=devices,
    )
    if non_interactive and not is_agent(agent):
        fail(f"--id {agent!r} {asking.NOT_AGENT(lang)}")
    draft = (
        replace(draft, broker=broker or wizard.HERE) if non_interactive else wizard.ask(draft, lang)
    )
    text = drafting.text(draft)
    _validate(text, output)
    if not non_interactive and not wizard.agrees(text, output, lang):
        raise typer.Exit(0)
    _create(output, text, lang)
    typer.echo(WROTE(lang, path=output))
    _tell_next(draft, output, lang)


def add(
    config: Config = None,
    *,
    bus: Buses = None,
    device: Devices = None,
    lang: Language,
) -> None:
    """Add buses and devices to a configuration; its comments stay."""
    path = config_path(config, lang)
    if not (bus or device):
        fail("give at least one --bus or --device")
    try:
        before = path.read_text(encoding="utf-8")
        taken = [str(each.get("id")) for each in _list_in(before, path)]
        devices = [_entry("--device", words) for words in device or ()]
        buses = _buses(bus or (), devices, taken)
        after = drafting.added(before, "buses", buses) if buses else before
        after = drafting.added(after, "devices", devices) if devices else after
        _validate(after, path)
        write_like(path, path.with_name(path.name + KEPT_SUFFIX), before)
        write_like(path, path, after)
    except OSError as error:
        fail(f"{error.filename or path}: {error.strerror}")
    except SettingsError as error:
        fail(*error.problems)
    except NotEditable as error:
        fail(f"{path}: {error}")
    typer.echo(WROTE(lang, path=path))
    typer.echo(labelled(NEXT(lang), RESTART(lang), width=len(NEXT(lang))))


def _list_in(text: str, path: Path) -> Sequence[Entry]:
    document, _ = settings.read_yaml(text, str(path))
    buses = document.get("buses") if isinstance(document, dict) else None
    return [each for each in buses or () if isinstance(each, dict)]


def _entry(option: str, words: str) -> Entry:
    try:
        return drafting.entry(words)
    except NotUnderstood as error:
        fail(f"{option}: {error}")


def _buses(given: Sequence[str], devices: Sequence[Entry], taken: list[str]) -> list[Entry]:
    """The buses, each with the transport that its devices' profiles speak."""
    buses: list[Entry] = []
    for words in given:
        names = [*taken, *(str(each["id"]) for each in buses)]
        made = drafting.bus(_entry("--bus", words), names)
        profiles = [each.get("profile") for each in devices if each.get("bus") == made["id"]]
        modbus = all(_speaks_modbus(str(profile)) for profile in profiles)
        buses.append(drafting.bus(_entry("--bus", words), names, modbus=modbus))
    return buses


def _speaks_modbus(profile: str) -> bool:
    """One that is not known is told when the whole is looked at."""
    try:
        return find(profile).protocol == "modbus"
    except (UnknownProfile, SettingsError):
        return True


def _validate(text: str, output: Path) -> None:
    """What was answered must make a file that loads; exit with every problem otherwise."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, output.name)
        path.write_text(text, encoding="utf-8")
        try:
            site.load(path)
        except SettingsError as error:
            fail(*(problem.removeprefix(f"{directory}/") for problem in error.problems))


def _create(output: Path, text: str, lang: Lang) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(EXISTS(lang, path=output))
    except OSError as error:
        fail(f"{output}: {error.strerror}")


def _tell_next(draft: Draft, output: Path, lang: Lang) -> None:
    """What remains to be done, each as a command."""
    typer.echo(NEXT(lang))
    if not draft.data_dir.is_dir():
        typer.echo("  " + MAKE_DIRECTORY(lang, path=draft.data_dir))
    config = "" if output == PLACES[0] else f" -c {output}"
    for phrase in (ENROL, CHECK, TEST, RUN):
        typer.echo("  " + phrase(lang, agent=draft.agent, config=config))
