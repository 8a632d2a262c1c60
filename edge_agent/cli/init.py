"""`edge-agent init`: a configuration to start from, with a comment at each choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.options import fail
from edge_agent.config import DATA_DIR, AgentConfig
from telemetry import settings
from telemetry.names import is_agent

EXAMPLES = """\b
Examples:
  edge-agent init                                      # asks
  edge-agent init --non-interactive --id gw-district-1 --broker 127.0.0.1
  edge-agent init -o /etc/city-telemetry/agent.yaml --id gw-1 --bus /dev/ttyUSB0 --baud 9600

A file that exists is never overwritten.
"""

TEMPLATE = """\
# The configuration of an edge agent. `edge-agent check` says what is wrong with it.

agent:
  id: {id}            # a-z, 0-9 and -; the broker's access list binds to it
{site}
  # position: [10.7769, 106.7009]   # WGS 84 latitude, longitude

# What must outlive the process: the outbox and the last state. On a lasting disk.
data_dir: {data_dir}

# Profiles of your own, which stand before the catalogue of `edge-agent profiles list`.
# profiles_dir: /etc/city-telemetry/profiles

buses:
{buses}
devices:
{devices}
uplink:
  host: {broker}
{security}
# The defaults, for a site with ten devices:
# outbox: {{max_size: 2GB, linger: 1s}}    # oldest goes first when it is full
# clock: {{source: kernel}}                # trusted: the host vouches for its time
# vitals: {{interval: 60s}}                # the gateway's own samples; 0 is never
"""

BUS = """\
  - id: rs485
    transport: modbus-rtu
    port: {port}      # a name under /dev/serial/by-id stays when cables move
    baud: {baud}
    # parity: N           # N, E or O
    # stop_bits: 1
    # timeout: 500ms      # to the first byte of a reply; otherwise as profiles say
"""

BUS_EXAMPLE = """\
  # - id: rs485
  #   transport: modbus-rtu
  #   port: /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5069RR4-if00-port0
  #   baud: 9600
  # - id: cabinet
  #   transport: modbus-tcp
  #   host: 192.0.2.10
  #   port: 502
  []    # this goes with the first entry
"""

DEVICES_EXAMPLE = """\
  # - id: meter-1
  #   bus: rs485
  #   unit: 1                   # its Modbus address
  #   profile: eastron-sdm120   # see `edge-agent profiles list`
  #   interval: 10s             # instead of what the profile says
  #   label: Feeder pillar, incoming
  []    # this goes with the first entry
"""

SECURITY = """\
  # Off this machine the broker is spoken to with TLS:
  # tls:
  #   ca: /etc/city-telemetry/ca.pem
  #   certificate: /etc/city-telemetry/agent.pem
  #   key: /etc/city-telemetry/agent.key
  # username: {id}
  # password_file: /etc/city-telemetry/password
"""

REMOTE = """\
  tls:
    ca: /etc/city-telemetry/ca.pem
    certificate: /etc/city-telemetry/agent.pem    # its name is the agent's id
    key: /etc/city-telemetry/agent.key
  # username: {id}
  # password_file: /etc/city-telemetry/password
"""


def init(  # noqa: PLR0913 - a command's options
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "agent.yaml"
    ),
    agent: Annotated[str, typer.Option("--id", help="The agent's id, such as gw-1.")] = "",
    site: Annotated[str, typer.Option(help="The id of the place it stands at.")] = "",
    broker: Annotated[str, typer.Option(help="The broker's host.")] = "",
    bus: Annotated[str, typer.Option(help="A serial port, such as /dev/ttyUSB0.")] = "",
    baud: Annotated[int, typer.Option(help="Its speed.")] = 9600,
    data_dir: Annotated[Path, typer.Option(help="Where the outbox is.")] = DATA_DIR,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing; take what is given.")
    ] = False,
) -> None:
    """Write a configuration with a comment at each choice."""
    if output.exists():
        fail(f"{output} exists; it is not overwritten")
    if not non_interactive:
        agent = agent or typer.prompt("Id of this agent (a-z, 0-9, -)")
        site = site or typer.prompt("Id of its site", default="", show_default=False)
        bus = bus or typer.prompt("Serial port, if any", default="", show_default=False)
        broker = broker or typer.prompt("Host of the broker", default="127.0.0.1")
    if not is_agent(agent):
        fail(f"--id {agent!r} should be a-z, 0-9 and -, at most 40, such as gw-district-1")
    text = _text(
        agent=agent,
        site=site,
        broker=broker or "127.0.0.1",
        bus=bus,
        baud=baud,
        data_dir=data_dir,
    )
    _check(text, output)
    _write(output, text)
    made = "" if data_dir.is_dir() else f"make {data_dir} (`install -d`), "
    typer.echo(f"wrote {output}; next: {made}add devices, then `edge-agent check -c {output}`")


def _text(  # noqa: PLR0913 - what was answered
    *, agent: str, site: str, broker: str, bus: str, baud: int, data_dir: Path
) -> str:
    local = broker in ("127.0.0.1", "localhost", "::1")
    return TEMPLATE.format(
        id=agent,
        site=f"  site: {site}" if site else "  # site: market-hall",
        data_dir=data_dir,
        buses=BUS.format(port=bus, baud=baud) if bus else BUS_EXAMPLE,
        devices=DEVICES_EXAMPLE,
        broker=broker,
        security=(SECURITY if local else REMOTE).format(id=agent),
    )


def _check(text: str, output: Path) -> None:
    """What was answered must make a valid file: a site's id may not."""
    try:
        settings.parse(text, AgentConfig, str(output))
    except settings.SettingsError as error:
        fail(*error.problems)


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{output} exists; it is not overwritten")
    except OSError as error:
        fail(f"{output}: {error.strerror}")
