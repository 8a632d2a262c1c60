"""What a benchmark says: a table for people, and one last line for scripts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A benchmark's figures.

    Attributes:
        title: what the table is about.
        columns: names of the figures, with their units.
        rows: what was measured, with a figure (or None) for each column.
        line: the figures that scripts read, by key.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    line: dict[str, float]

    def __str__(self) -> str:
        """Both."""
        wide = max(len(name) for name in (self.title, *(name for name, _ in self.rows)))
        widths = [max(len(column), 9) for column in self.columns]
        head = [f"{c:>{w}}" for c, w in zip(self.columns, widths, strict=True)]
        lines = ["  ".join([f"{self.title:<{wide}}", *head])]
        for name, figures in self.rows:
            shown = [f"{_show(f, ','):>{w}}" for f, w in zip(figures, widths, strict=True)]
            lines.append("  ".join([f"{name:<{wide}}", *shown]))
        last = " ".join([self.name, *(f"{key}={_show(f)}" for key, f in self.line.items())])
        return "\n".join([*lines, last])


def _show(figure: float | None, thousands: str = "") -> str:
    """A count as it is; of anything else three digits or more."""
    if figure is None:
        return "-"
    if isinstance(figure, int):
        return f"{figure:{thousands}}"
    decimals = 0 if abs(figure) >= 100 else 1 if abs(figure) >= 10 else 2  # noqa: PLR2004 - powers of ten
    return f"{figure:{thousands}.{decimals}f}"
