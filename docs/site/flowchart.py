"""The flowchart of docs/architecture.md as SVG: forges draw it themselves, the site has this."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

WIDE, ROW, HIGH = 760, 66, 30  # pixels: of the picture, between rows, of a box
FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def as_svg(page: str) -> str:
    """Return a page with a picture in the place of each flowchart."""
    return FENCE.sub(lambda found: "```{raw} html\n" + drawn(found[1]) + "\n```", page)


def drawn(text: str) -> str:
    """Return a flowchart, from top to bottom; its colours are those of the page."""
    arrows = arrows_of(text)
    labels = dict(re.findall(r'^ +(\w+)\["(.+)"\]$', text, re.MULTILINE))
    before: dict[str, list[str]] = defaultdict(list)
    for left, right in arrows:
        before[right].append(left)
    rows = rows_of(arrows, before)
    ways = {arrow: way_of(arrow, rows) for arrow in arrows}
    above: dict[str, list[str]] = defaultdict(list)
    for way in ways.values():
        for left, right in pairwise(way):
            rows.setdefault(right, rows[left] + 1)
            above[right].append(left)
    places: dict[str, tuple[float, float]] = {}
    for row in range(max(rows.values()) + 1):
        members = [name for name in rows if rows[name] == row]
        members.sort(key=lambda name: middle(above[name], places))
        for k, name in enumerate(members):
            places[name] = WIDE * (k + 0.5) / len(members), row * ROW + HIGH
    parts = [
        f'<svg viewBox="0 0 {WIDE} {max(rows.values()) * ROW + 2 * HIGH}" role="img" '
        'class="flowchart" aria-label="The packages, each above those that may import it">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/>'
        "</marker></defs>",
    ]
    for way in ways.values():
        x, y = places[way[0]]
        line = f"M{x:.0f} {y + HIGH / 2:.0f}"
        for left, right in pairwise(way):
            (x, y), (to_x, to_y) = places[left], places[right]
            begin, end = y + HIGH / 2, to_y - HIGH / 2 - 1
            bend = (end - begin) / 2
            line += f"C{x:.0f} {begin + bend:.0f} {to_x:.0f} {end - bend:.0f} {to_x:.0f} {end:.0f}"
            if right != way[-1]:
                line += f"V{to_y + HIGH / 2:.0f}"
        parts.append(f'<path d="{line}" class="arrow" marker-end="url(#tip)"/>')
    for name, (x, y) in places.items():
        if name not in before and name not in {left for left, _ in arrows}:
            continue  # an arrow passes here
        label = labels.get(name, name)
        wide = 7.2 * len(label) + 22
        parts.append(
            f'<rect x="{x - wide / 2:.0f}" y="{y - HIGH / 2:.0f}" width="{wide:.0f}" '
            f'height="{HIGH}" rx="5"/><text x="{x:.0f}" y="{y + 5:.0f}">{label}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def arrows_of(text: str) -> list[tuple[str, str]]:
    """Return the arrows of a flowchart, by the names of their ends."""
    return re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE)


def rows_of(arrows: list[tuple[str, str]], before: dict[str, list[str]]) -> dict[str, int]:
    """Return the row of each box: below what it stands on, and near what stands on it."""
    names = list(dict.fromkeys(name for arrow in arrows for name in arrow))
    rows = {name: depth(name, before) for name in names}
    for name in names:
        after = [rows[right] for left, right in arrows if left == name]
        if len(after) > len(before.get(name, [])) > 0:
            rows[name] = min(after) - 1
    return rows


def way_of(arrow: tuple[str, str], rows: dict[str, int]) -> list[str]:
    """Return an arrow as a way through every row between its ends."""
    left, right = arrow
    between = [f"{left} to {right}, {row}" for row in range(rows[left] + 1, rows[right])]
    return [left, *between, right]


def depth(name: str, before: dict[str, list[str]]) -> int:
    """Return how many arrows the longest way to a name has."""
    return max((1 + depth(left, before) for left in before.get(name, [])), default=0)


def middle(names: list[str], places: dict[str, tuple[float, float]]) -> float:
    """Return the mean place of what is above a box."""
    return sum(places[name][0] for name in names) / max(len(names), 1)
