"""Figures and their goals, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(slots=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    what : str
    value, goal : float
    unit : str
    more : bool
        Whether the goal is a least value.
    """

    what: str
    value: float
    goal: float
    unit: str = "x"
    more: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.more else self.value <= self.goal


def table_of(title: str, figures: Sequence[Figure]) -> Table:
    """Return figures as a table."""
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "measured", "goal", "met"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for figure in figures:
        sign = "≥" if figure.more else "≤"
        table.add_row(
            figure.what,
            f"{figure.value:.3g} {figure.unit}",
            f"{sign} {figure.goal:g}",
            "yes" if figure.is_met else "no",
        )
    return table
