"""The pictures of docs/volumes.md, drawn from made data: ``python docs/pictures/volumes.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

HERE = Path(__file__).parent
RIGHT, WRONG, PALE = "#1a6fb0", "#c0392b", "#9aa5b1"
DEPTH = 40.0  # millimetres of a slice, seen from the side
GAP = 5.0


def _slice(axes: Axes, along: float, up: float = 0.0, color: str = RIGHT, style: str = "-") -> None:
    axes.plot([along, along], [up, up + DEPTH], style, color=color, linewidth=2.2)
    axes.plot([along], [up], "o", color=color, markersize=4)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str) -> None:
    arrow = {"arrowstyle": "->", "color": "#2c3e50", "linewidth": 1.2}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 3.5)
    axes.text(*middle, text, ha="center", va="top", fontsize=8, color="#2c3e50")


def grid(axes: Axes) -> None:
    """Draw slices on an even grid."""
    for k in range(8):
        _slice(axes, k * GAP)
    _arrow(axes, (0, -4), (7 * GAP, -4), "slices ascend along row × column")
    axes.set_title("grid", loc="left")


def tilt(axes: Axes) -> None:
    """Draw slices of a tilted gantry: their origins drift."""
    for k in range(8):
        _slice(axes, k * GAP, 1.6 * k)
    _arrow(axes, (0, 0), (7 * GAP, 1.6 * 7), "slice axis of the affine")
    axes.set_title("sheared (tilted gantry)", loc="left")


def gaps(axes: Axes) -> None:
    """Draw missing slices, and what squeezing them does."""
    missing = {3, 4}
    for k in range(8):
        _slice(
            axes, k * GAP, color=PALE if k in missing else RIGHT, style=":" if k in missing else "-"
        )
    axes.text(3.5 * GAP, DEPTH + 2, 'planes of NaN\n(gaps="fill")', ha="center", fontsize=8)
    axes.set_title("missing slices", loc="left")


def squeezed(axes: Axes) -> None:
    """Draw what a reader makes of a gap that it does not look at."""
    kept = [0, 1, 2, 5, 6, 7]
    for place, k in zip(np.linspace(0, 7 * GAP, len(kept)), kept, strict=True):
        _slice(axes, k * GAP, color=PALE, style=":")
        _slice(axes, place, color=WRONG)
    axes.text(17, DEPTH + 2, "anatomy is stretched,\nno word is said", ha="center", fontsize=8)
    axes.set_title("squeezed to an even grid: wrong", loc="left", color=WRONG)


def four_d(axes: Axes) -> None:
    """Draw volumes that follow each other at the same places."""
    colors = mpl.colormaps["viridis"](np.linspace(0.1, 0.8, 4))
    for volume, color in enumerate(colors):
        for k in range(5):
            _slice(axes, k * GAP + volume * 1.1, -volume * 3.0, color=color)
    axes.text(14, DEPTH + 3, "axes = (\"b_value\",)\ncoords[\"b_value\"] = [0, 500, 1000, 2000]",
              ha="center", fontsize=8)  # fmt: skip
    axes.set_title("several volumes at the same places", loc="left")


def tall(axes: Axes) -> None:
    """Draw what a reader makes of several volumes that it stacks."""
    colors = mpl.colormaps["viridis"](np.linspace(0.1, 0.8, 4))
    for volume, color in enumerate(colors):
        for k in range(5):
            _slice(axes, (5 * volume + k) * 1.3, color=color)
    axes.text(
        13, DEPTH + 2, "20 slices of one tall volume,\nspacing made up", ha="center", fontsize=8
    )
    axes.set_title("stacked: wrong", loc="left", color=WRONG)


PICTURES: dict[str, tuple[Callable[[Axes], None], ...]] = {
    "grid-and-tilt": (grid, tilt),
    "gaps": (gaps, squeezed),
    "four-d": (four_d, tall),
}


def draw(name: str) -> None:
    """Draw one picture next to this file."""
    figure, many = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained", sharey=True)
    for axes, panel in zip(many, PICTURES[name], strict=True):
        panel(axes)
        axes.set_xlim(-5, 42)
        axes.set_ylim(-14, 58)
        axes.set_xlabel("along the normal, mm", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    many[0].set_ylabel("along a column, mm", fontsize=8)
    figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    mpl.rcParams["svg.hashsalt"] = "fastpix"  # the same file each time
    for title in PICTURES:
        draw(title)
