r"""Prometheus' text format (version 0.0.4): what a scrape of `/metrics` reads.

# HELP collector_envelopes_total Envelopes that arrived.
# TYPE collector_envelopes_total counter
collector_envelopes_total{outcome="stored"} 17
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

EXACT = 2**53
"""Whole numbers below it are exact in a float."""


class Kind(StrEnum):
    """A counter only grows while the process lives; a gauge goes both ways."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: a number for each set of labels."""

    name: str
    kind: Kind
    help: str
    numbers: tuple[tuple[Mapping[str, str], float], ...]


def counter(name: str, text: str, number: float) -> Metric:
    """A counter without labels."""
    return Metric(name, Kind.COUNTER, text, (({}, number),))


def gauge(name: str, text: str, number: float) -> Metric:
    """A gauge without labels."""
    return Metric(name, Kind.GAUGE, text, (({}, number),))


def render(metrics: Iterable[Metric]) -> str:
    """The metrics as a scrape reads them."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {_escape(metric.help)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [f"{metric.name}{_labels(labels)} {_spell(n)}" for labels, n in metric.numbers]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_escape(text, quote=True)}"' for name, text in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escape(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text


def _spell(number: float) -> str:
    if isinstance(number, int):  # a bool is one
        return str(int(number))
    if number.is_integer() and abs(number) < EXACT:
        return str(int(number))
    return repr(number).replace("inf", "Inf").replace("nan", "NaN")
