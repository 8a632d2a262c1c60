"""The picture of `collector watch` fits its terminal, and hides what it must by counting it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.cli.picture import Row, Size, draw, is_own, spell

MORE = "… and {} more"


def test_a_row_a_device_and_the_alarms_under_them() -> None:
    rows = {
        "gw-1/meter-1": Row(
            "14:03:07", {"voltage_l1": "230.1", "current_l1": "(missing:no_reply)"}
        ),
        "gw-1/a": Row("14:03:08", {"on": "true"}),
    }

    drawn = draw(rows, ["RAISED mains-high"], Size(80, 24), MORE)

    assert drawn.splitlines() == [
        "gw-1/a        14:03:08  on=true",
        "gw-1/meter-1  14:03:07  voltage_l1=230.1 current_l1=(missing:no_reply)",
        "",
        "RAISED mains-high",
    ]


@given(st.integers(0, 40), st.integers(0, 9), st.integers(20, 120), st.integers(3, 50))
def test_it_is_never_larger_than_the_terminal(
    devices: int, news: int, columns: int, lines: int
) -> None:
    rows = {f"gw-1/device-{n}": Row("14:03:07", {"flow": "1.5" * 20}) for n in range(devices)}

    drawn = draw(rows, ["an alarm " * 20] * news, Size(columns, lines), MORE).splitlines()

    assert all(len(line) <= columns for line in drawn)
    assert len(drawn) <= max(lines, min(news, 5) + 2)
    told = sum(line.startswith("gw-1/") for line in drawn)
    hidden = [int(line.split()[2]) for line in drawn if line.startswith("… and")]
    assert told + sum(hidden) == devices


def test_a_gateways_own_devices_are_known() -> None:
    assert is_own("gateway")
    assert is_own("meter-1-health")
    assert not is_own("meter-1")


def test_values_are_spelt_as_people_read_them() -> None:
    said = [spell(value) for value in (True, 230.29199, 4821.5, 7, "red")]

    assert said == ["true", "230.292", "4821.5", "7", "red"]
