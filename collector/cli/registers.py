"""`collector agents`, `collector tokens`: who may send, and who may ask."""

import json
from pathlib import Path
from typing import Annotated

import typer

from collector import config, private_files
from collector.api.tokens import Role, Tokens
from collector.broker import agents as register
from collector.cli.exits import Exit, leave, told
from collector.cli.options import ConfigFile, Json, Language
from collector.cli.texts import Text, say
from telemetry import enrolment
from telemetry.language import Phrase
from telemetry.layout import table

agents = typer.Typer(no_args_is_help=True, help="Agents that may send to the embedded broker.")
tokens = typer.Typer(no_args_is_help=True, help="Tokens for the HTTP API.")

NO_REGISTER = Phrase(
    en="the broker is an external one: make the agent's user there",
    vi="broker không do collector này chạy: hãy tạo tài khoản cho agent trên broker đó",
)
EXISTS = Phrase(
    en="{path} exists; nothing was done. Delete it, or name another file with --output",
    vi="{path} đã có; chưa làm gì. Xóa tệp đó hoặc chọn tệp khác bằng --output",
)
WROTE = Phrase(
    en="wrote {path}; carry it to the gateway, and there:\n  edge-agent enroll {name}",
    vi="đã ghi {path}; chép tệp sang gateway, rồi chạy ở đó:\n  edge-agent enroll {name}",
)
NO_AGENTS = Phrase(
    en="no agent may connect yet: `collector agents add`",
    vi="chưa có agent nào được kết nối: `collector agents add`",
)
SHUT_OUT = Phrase(en="{agent} is shut out", vi="{agent} không còn được kết nối")
WORTHLESS = Phrase(
    en="the token of {name} is worthless now", vi="token của {name} không còn hiệu lực"
)


@agents.command("add")
def add_agent(
    agent: Annotated[str, typer.Argument(help="The agent's id: a-z 0-9 -, at most 40.")],
    config_file: ConfigFile,
    lang: Language,
    output: Annotated[
        Path | None, typer.Option(help="The bundle to write.", show_default="AGENT.enroll.yaml")
    ] = None,
) -> None:
    """Give an agent credentials, as a bundle for `edge-agent enroll`.

    Example: collector agents add gw-1

    A running collector lets it in at once.
    """
    with told():
        settings = config.load(config_file)
        if settings.broker.embedded is None:
            leave(NO_REGISTER(lang), Exit.WRONG_INPUT)
        bundle = output or Path(f"{agent}.enroll.yaml")
        if bundle.exists():
            leave(EXISTS(lang, path=bundle), Exit.WRONG_INPUT)
        agent_register = register.Register(settings.broker_dir)
        password = agent_register.add(agent)
        bundle.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = register.enrolment(agent, password, settings.broker.embedded)
        private_files.write(bundle, enrolment.spell(made))
    typer.echo(WROTE(lang, path=bundle, name=bundle.name))


@agents.command("list")
def list_agents(config_file: ConfigFile, lang: Language, *, as_json: Json = False) -> None:
    """List the agents that may connect.

    Example: collector agents list
    """
    with told():
        settings = config.load(config_file)
        if settings.broker.embedded is None:
            leave(NO_REGISTER(lang), Exit.WRONG_INPUT)
        names = sorted(register.Register(settings.broker_dir).passwords())
    typer.echo(json.dumps(names) if as_json else "\n".join(names) or NO_AGENTS(lang))


@agents.command("remove")
def remove_agent(
    agent: Annotated[str, typer.Argument(help="The agent's id.")],
    config_file: ConfigFile,
    lang: Language,
) -> None:
    """Shut an agent out; a running collector cuts its connection.

    Example: collector agents remove gw-1
    """
    with told():
        settings = config.load(config_file)
        if settings.broker.embedded is None:
            leave(NO_REGISTER(lang), Exit.WRONG_INPUT)
        register.Register(settings.broker_dir).remove(agent)
    typer.echo(SHUT_OUT(lang, agent=agent))


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Who gets it; the audit log names them so.")],
    config_file: ConfigFile,
    role: Annotated[
        Role, typer.Option(help="viewer reads, operator acknowledges too, admin is for keepers.")
    ] = Role.VIEWER,
) -> None:
    """Make a token and print it, this once.

    Example: collector tokens add duty-desk --role operator > duty-desk.token
    """
    with told():
        typer.echo(Tokens(config.load(config_file).data_dir).add(name, role))


@tokens.command("list")
def list_tokens(config_file: ConfigFile, lang: Language, *, as_json: Json = False) -> None:
    """List who has a token, and as what.

    Example: collector tokens list
    """
    with told():
        callers = Tokens(config.load(config_file).data_dir).callers()
    if as_json:
        typer.echo(json.dumps([{"name": c.name, "role": c.role} for c in callers]))
    else:
        headings = [say(heading, lang) for heading in (Text.NAME, Text.ROLE)]
        typer.echo("\n".join(table(headings, [(c.name, c.role) for c in callers])))


@tokens.command("remove")
def remove_token(
    name: Annotated[str, typer.Argument(help="Who got it.")],
    config_file: ConfigFile,
    lang: Language,
) -> None:
    """Make a token worthless, at once.

    Example: collector tokens remove duty-desk
    """
    with told():
        Tokens(config.load(config_file).data_dir).remove(name)
    typer.echo(WORTHLESS(lang, name=name))
