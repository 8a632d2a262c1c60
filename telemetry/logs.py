"""Logging as both programs do it: a line a change of state, to standard error, JSON on request."""

from __future__ import annotations

import json
import logging
import sys
import time
from enum import StrEnum


class LogFormat(StrEnum):
    """How lines look: `text` for people and the journal, `json` for machines."""

    TEXT = "text"
    JSON = "json"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, form: LogFormat) -> None:
    """Send every logger's lines to standard error.

    Libraries speak from WARNING on, unless `level` is `debug`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter()
        if form is LogFormat.JSON
        else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    ours = logging.DEBUG if level == "debug" else getattr(logging, level.upper())
    for name in ("telemetry", "device_profiles", "edge_agent", "collector", "firmware_bridge"):
        logging.getLogger(name).setLevel(ours)
    if level == "debug":
        logging.getLogger().setLevel(logging.INFO)
