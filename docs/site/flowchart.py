"""The flowchart of docs/architecture.md as SVG: forges draw it themselves, the site has this."""

from __future__ import annotations

import re
from collections import defaultdict

WIDE, ROW, HIGH = 760, 66, 30  # pixels: of the picture, between rows, of a box
FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def as_svg(page: str) -> str:
    """Return a page with a picture in the place of each flowchart."""
    return FENCE.sub(lambda found: "```{raw} html\n" + drawn(found[1]) + "\n```", page)


def drawn(text: str) -> str:
    """Return a flowchart, from top to bottom; its colours are those of the page."""
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE)
    labels = dict(re.findall(r'^ +(\w+)\["(.+)"\]$', text, re.MULTILINE))
    before: dict[str, list[str]] = defaultdict(list)
    for left, right in arrows:
        before[right].append(left)
    names = list(dict.fromkeys(name for arrow in arrows for name in arrow))
    rows: dict[int, list[str]] = defaultdict(list)
    for name in names:
        rows[depth(name, before)].append(name)
    places: dict[str, tuple[float, float]] = {}
    for row in sorted(rows):
        members = sorted(rows[row], key=lambda name: middle(before[name], places))
        for k, name in enumerate(members):
            places[name] = WIDE * (k + 0.5) / len(members), row * ROW + HIGH
    parts = [
        f'<svg viewBox="0 0 {WIDE} {(len(rows) - 1) * ROW + 2 * HIGH}" role="img" '
        'class="flowchart" aria-label="The packages, each above those that may import it">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/>'
        "</marker></defs>",
    ]
    for left, right in arrows:
        (x, y), (to_x, to_y) = places[left], places[right]
        y, to_y = y + HIGH / 2, to_y - HIGH / 2 - 1
        bend = (to_y - y) / 2
        parts.append(
            f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} '
            f'{to_x:.0f} {to_y:.0f}" class="arrow" marker-end="url(#tip)"/>'
        )
    for name, (x, y) in places.items():
        label = labels.get(name, name)
        wide = 7.2 * len(label) + 22
        parts.append(
            f'<rect x="{x - wide / 2:.0f}" y="{y - HIGH / 2:.0f}" width="{wide:.0f}" '
            f'height="{HIGH}" rx="5"/><text x="{x:.0f}" y="{y + 5:.0f}">{label}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def depth(name: str, before: dict[str, list[str]]) -> int:
    """Return how many arrows the longest way to a name has."""
    return max((1 + depth(left, before) for left in before[name]), default=0)


def middle(names: list[str], places: dict[str, tuple[float, float]]) -> float:
    """Return the mean place of what is above a box."""
    return sum(places[name][0] for name in names) / max(len(names), 1)
