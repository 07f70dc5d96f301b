"""Shares with their 95 % intervals."""

from __future__ import annotations

from math import sqrt


def share(count: int, total: int) -> str:
    """Return a share in per cent with its 95 % interval (Wilson)."""
    if not total:
        return "-"
    z = 1.96
    centre = (count + z * z / 2) / (total + z * z)
    wide = z * sqrt(count * (total - count) / total + z * z / 4) / (total + z * z)
    low, high = max(0.0, centre - wide), min(1.0, centre + wide)
    return f"{count}/{total} = {count / total:.1%} ({low:.0%} to {high:.0%})"
