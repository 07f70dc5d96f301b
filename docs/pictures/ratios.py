"""Draw ratios.svg and ratios-dark.svg: readers beside a plain read, from a table of a benchmark.

    python docs/pictures/ratios.py

The figures are those of the first table of docs/performance.md: benchmarks/results/read.json, which
``python benchmarks/run_all.py --only read`` measures.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIGURES = HERE.parent.parent / "benchmarks" / "results" / "read.json"
SHOWN = ("CT, 512 x 512", "MR, 128 x 128", "radiograph, 3000 x 4000")
LABELS, PANEL, GAP, ROW, TOP, BOTTOM = 150, 150, 46, 26, 62, 48  # pixels
MOST = 300.0  # the end of the axis
LIGHT = {
    "text": "#1f2328",
    "quiet": "#59636e",
    "line": "#d1d9e0",
    "ours": "#0a7ea4",
    "bar": "#afb8c1",
}
DARK = {
    "text": "#f0f6fc",
    "quiet": "#9198a1",
    "line": "#3d444d",
    "ours": "#4cc2ec",
    "bar": "#656c76",
}
STYLE = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px"


def ratio_text(value: float) -> str:
    """Return a ratio as the table has it."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def width_of(ratio: float) -> float:
    """Return the length of a bar; the axis is logarithmic."""
    return PANEL * math.log(max(ratio, 1.02)) / math.log(MOST)


def drawing(figures: dict[str, Any], colours: dict[str, str]) -> str:
    """Return the picture as SVG."""
    readers = [row for row in figures["rows"] if not row[0].startswith("floor")]
    when = ", ".join(figures[part] for part in ("command", "date", "machine"))
    wide = LABELS + len(SHOWN) * (PANEL + GAP)
    high = TOP + len(readers) * ROW + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" style="{STYLE}">',
        "<title>From a path to a float32 array: times as multiples of a plain read</title>",
        text(
            0,
            18,
            "From a path to a float32 array, in times of a plain read and conversion",
            colours,
            15,
        ),
    ]
    for panel, name in enumerate(SHOWN):
        left = LABELS + panel * (PANEL + GAP)
        parts.append(text(left, 46, name, colours, colour="quiet"))
        parts.append(
            f'<path d="M{left} {TOP - 6}V{TOP + len(readers) * ROW}" stroke="{colours["line"]}"/>'
        )
        column = figures["columns"].index(name)
        for number, row in enumerate(readers):
            top = TOP + number * ROW
            is_ours = row[0].startswith("fastpix")
            if row[column] is None:
                continue
            long = width_of(row[column])
            fill = colours["ours" if is_ours else "bar"]
            parts.append(
                f'<rect x="{left}" y="{top}" width="{long:.1f}" height="16" rx="2" fill="{fill}"/>'
            )
            value = ratio_text(row[column])
            parts.append(text(left + long + 5, top + 13, value, colours, bold=is_ours))
            if panel == 0:
                label = row[0].replace(".imread", "")
                parts.append(text(0, top + 13, label, colours, bold=is_ours))
    parts.append(
        text(0, high - 26, "logarithmic; 1 is a plain read and np.copyto, whose values are wrong",
             colours, 12, "quiet")
    )  # fmt: skip
    parts.append(text(0, high - 8, when, colours, 12, "quiet"))
    return "\n".join([*parts, "</svg>", ""])


def text(
    x: float, y: float, words: str, colours: dict[str, str], size: int = 13, colour: str = "text",
    bold: bool = False,
) -> str:  # fmt: skip
    """Return words at a place."""
    weight = ' font-weight="600"' if bold else ""
    style = f'font-size="{size}" fill="{colours[colour]}"{weight}'
    return f'<text x="{x:.1f}" y="{y}" {style}>{words}</text>'


def drawings() -> dict[str, str]:
    """Return the two pictures by their names."""
    figures = json.loads(FIGURES.read_text("utf-8"))
    return {"ratios.svg": drawing(figures, LIGHT), "ratios-dark.svg": drawing(figures, DARK)}


if __name__ == "__main__":
    for name, picture in drawings().items():
        (HERE / name).write_text(picture)
