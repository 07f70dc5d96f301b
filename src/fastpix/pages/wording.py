"""Numbers as people read them: separators, significant digits, shares, sizes and times."""

from __future__ import annotations

import math

NOTHING = "–"
_MINUS = "−"
_SPACE = "\u00a0"  # keeps a number and its unit on one line
_NO_UNIT = {
    "": "values without a unit",
    "unspecified": "values without a unit",
    "unrecognised": "values in a unit that is none of the standard",
    "US": "values without a unit (US)",
    "stored values": "stored values",
}
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def whole(count: int) -> str:
    """Return a count with separators: ``12,345``.

    Parameters
    ----------
    count : int
    """
    return f"{count:,}".replace("-", _MINUS)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits: ``1,234``, ``0.01235``, ``1.2e+12``.

    Parameters
    ----------
    value : float or None
        None is a dash.
    digits : int
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 1e9:
        text = f"{int(value):,}"
    elif 10 ** (digits - 1) <= abs(value) < 1e9:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", _MINUS)


def signed(value: float | None) -> str:
    """Return a number of points with its sign: ``+1.25``.

    Parameters
    ----------
    value : float or None
    """
    if value is None:
        return NOTHING
    return f"{value:+.2f}".replace("-", _MINUS)


def share(part: float) -> str:
    """Return a share in per cent: ``12.3 %``, ``below 0.1 %``.

    Parameters
    ----------
    part : float
    """
    if part == 0:
        return f"0{_SPACE}%"
    if part < 0.001:
        return f"below 0.1{_SPACE}%"
    text = f"{100 * part:.1f}".removesuffix(".0")
    return f"{text}{_SPACE}%"


def percent(value: float) -> str:
    """Return a place across a chart: ``12.34%``.

    Parameters
    ----------
    value : float
        From 0 to 100.
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def size(count: int) -> str:
    """Return bytes: ``12.3 MB``.

    Parameters
    ----------
    count : int
    """
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g}{_SPACE}{_SIZES[unit]}"


def seconds(value: float) -> str:
    """Return a time: ``0.21 s``, ``12 s``, ``3 min 5 s``.

    Parameters
    ----------
    value : float
    """
    if value < 10:
        return f"{value:.2g}{_SPACE}s" if value >= 0.01 else f"below 0.01{_SPACE}s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}{_SPACE}min {rest}{_SPACE}s" if minutes else f"{rest}{_SPACE}s"


def unit(text: str) -> str:
    """Return a unit as it stands behind a number: nothing where the file names none.

    Parameters
    ----------
    text : str
        Of a record.
    """
    return "" if text in _NO_UNIT else _SPACE + text


def unit_name(text: str) -> str:
    """Return a unit as a title: ``HU``, ``values without a unit``.

    Parameters
    ----------
    text : str
        Of a record.
    """
    return _NO_UNIT.get(text, text)


FILTERS = {
    each.__name__: each
    for each in (whole, number, signed, share, size, seconds, percent, unit, unit_name)
}
"""For the templates, by name."""
