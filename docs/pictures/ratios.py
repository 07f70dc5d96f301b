"""Draw ratios.svg and ratios-dark.svg: readers beside a plain read, from a table of a benchmark.

    python docs/pictures/ratios.py

The table is the first one of docs/performance.md, as ``python benchmarks/ratios.py --read
--markdown`` prints it; the line below it says when and where it was measured.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

HERE = Path(__file__).parent
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


def table_of(page: str) -> tuple[list[str], list[list[str]], str]:
    """Return the first table of a page: headings, rows, and of when it is."""
    lines = page.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("| multiples"))
    last = next(k for k in range(first, len(lines)) if not lines[k].startswith("|"))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:last]]
    when = re.search(r"`(python benchmarks[^`]*)`, ([\d-]+), (.*?)[:,]\s", "\n".join(lines[last:]))
    assert when is not None
    return cells[0], cells[2:], f"{when[1]}, {when[2]}, {when[3]}".replace("\n", " ")


def width_of(ratio: float) -> float:
    """Return the length of a bar; the axis is logarithmic."""
    return PANEL * math.log(max(ratio, 1.02)) / math.log(MOST)


def drawing(page: str, colours: dict[str, str]) -> str:
    """Return the picture as SVG."""
    headings, rows, when = table_of(page)
    readers = [row for row in rows if not row[0].startswith("floor")]
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
        column = headings.index(name)
        for number, row in enumerate(readers):
            top = TOP + number * ROW
            is_ours = row[0].startswith("**")
            long = width_of(float(row[column].strip("*")))
            fill = colours["ours" if is_ours else "bar"]
            parts.append(
                f'<rect x="{left}" y="{top}" width="{long:.1f}" height="16" rx="2" fill="{fill}"/>'
            )
            value = row[column].strip("*")
            parts.append(text(left + long + 5, top + 13, value, colours, bold=is_ours))
            if panel == 0:
                label = row[0].strip("*").replace(".imread", "")
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
    page = (HERE.parent / "performance.md").read_text()
    return {"ratios.svg": drawing(page, LIGHT), "ratios-dark.svg": drawing(page, DARK)}


if __name__ == "__main__":
    for name, picture in drawings().items():
        (HERE / name).write_text(picture)
