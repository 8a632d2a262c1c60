"""A scrape reads what was counted, whatever stands in a label."""

from __future__ import annotations

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from collector.api.metrics import Kind, Metric, counter, gauge, render

LINE = re.compile(r"""# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z_]+="([^"\\\n]|\\["\\n])*"\})? \S+""")


def test_a_metric_is_its_help_its_type_and_its_numbers() -> None:
    metric = Metric(
        "collector_envelopes_total",
        Kind.COUNTER,
        "Envelopes that arrived.",
        (({"outcome": "stored"}, 17), ({"outcome": "refused"}, 1)),
    )

    assert render([metric]) == (
        "# HELP collector_envelopes_total Envelopes that arrived.\n"
        "# TYPE collector_envelopes_total counter\n"
        'collector_envelopes_total{outcome="stored"} 17\n'
        'collector_envelopes_total{outcome="refused"} 1\n'
    )


def test_numbers_are_spelt_as_prometheus_reads_them() -> None:
    numbers = [True, 0, 1.0, 0.25, 1e300, math.inf, -math.inf, math.nan]

    spelt = [render([gauge("x", "", n)]).split()[-1] for n in numbers]

    assert spelt == ["1", "0", "1", "0.25", "1e+300", "Inf", "-Inf", "NaN"]


@given(st.text(), st.text(), st.floats())
def test_no_text_breaks_a_line(text: str, label: str, number: float) -> None:
    metric = Metric("x", Kind.GAUGE, text, (({"label": label}, number),))

    lines = render([metric, counter("y", text, 1)]).split("\n")

    assert len(lines) == 7
    assert all(LINE.fullmatch(line) for line in lines[:-1])
    assert lines[-1] == ""
