"""`python -m benchmarks [NAME]`: run one benchmark, or all; each ends with a line for scripts."""

from __future__ import annotations

import argparse
import importlib

NAMES = {
    "agent": "processor and memory of the agent, beside a bare sketch and ThingsBoard's gateway",
    "bus": "how near reads come to what a serial line can carry, and what the dead cost the living",
    "wire": "bytes and time a value, beside JSON objects and SenML",
    "ingest": "the collector's processor time a value, step by step",
    "store": "writes and hourly means, beside plain SQLite tables and InfluxDB",
    "end_to_end": "envelopes through the broker and the collector into the store",
}


def main() -> None:
    """Run what was asked for."""
    listed = "\n".join(f"  {name:<11} {says}" for name, says in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", default="all", choices=["all", *NAMES])
    asked = parser.parse_args().name
    for name in NAMES if asked == "all" else [asked]:
        print(importlib.import_module(f"benchmarks.{name}").run(), flush=True)


if __name__ == "__main__":
    main()
