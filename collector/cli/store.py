"""`collector store`: make a store ready for the collector."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from collector import config, private_files
from collector.cli.exits import told
from collector.cli.options import ConfigFile
from collector.stores.influx_init import Admin, initialise
from collector.stores.settings import InfluxSettings, SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry.settings import read_secret

app = typer.Typer(no_args_is_help=True, help="Where samples stay.")


INIT_EXAMPLES = """\b
Examples:
  collector store init    # SQLite: makes the file
  collector store init --admin-secret influx-admin.token
"""


@app.command("init", epilog=INIT_EXAMPLES)
def init(
    config_file: ConfigFile,
    admin_user: Annotated[str, typer.Option(help="InfluxDB 1.x: an administrator.")] = "",
    admin_secret: Annotated[
        Path | None,
        typer.Option(help="A file: the administrator's password (1.x) or token (2.x, 3)."),
    ] = None,
) -> None:
    """Make databases and a key that fits. It can be done again."""
    with told():
        settings = config.load(config_file)
        match settings.store:
            case SqliteSettings():
                private_files.make_directory(settings.data_dir)
                asyncio.run(_make_file(settings.store))
                typer.echo(f"{settings.store.path} is ready")
            case InfluxSettings():
                secret = read_secret(admin_secret) if admin_secret else ""
                for step in initialise(settings.store, Admin(secret, admin_user)):
                    typer.echo(step)


async def _make_file(settings: SqliteSettings) -> None:
    store = SqliteStore(settings)
    try:
        await store.open()
    finally:
        await store.close()
