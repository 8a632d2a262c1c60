"""The API as one ASGI application, described by its own /openapi.json."""

from importlib import metadata

from fastapi import FastAPI

from collector.api import alarms, dead_letters, gateways, health, problems, series, stream
from collector.api.parts import Parts

DESCRIPTION = """\
Series, gateways and alarms of a City Telemetry collector.

Times are ISO 8601 with an offset, answered in UTC. Units are SenML's (RFC 8428). Errors are
problem documents (RFC 9457). All but /healthz and /openapi.json need a bearer token:
`collector tokens add NAME --role viewer|operator|admin`.
"""

ROUTERS = (
    series.router,
    gateways.router,
    alarms.router,
    dead_letters.router,
    stream.router,
    health.router,
)


def build(parts: Parts) -> FastAPI:
    """The application that answers from `parts`."""
    app = FastAPI(
        title="City Telemetry collector",
        version=metadata.version("city-telemetry"),
        description=DESCRIPTION,
        docs_url=None,  # its pages load scripts from the internet
        redoc_url=None,
    )
    app.state.parts = parts
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    return app
