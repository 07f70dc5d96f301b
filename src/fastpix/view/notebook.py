"""What Jupyter shows of an `Image`, `Plan`, `Volume` or `Summary`: a table, and a small picture.

HTML that stands by itself: no script, no style sheet, the colours of the page it is in. It holds
numbers, terms of the standard and pixels, and no other text of a file: a notebook is sent around.
"""

from __future__ import annotations

import base64
import math
import warnings
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from fastpix.errors import FastpixError
from fastpix.image.image import Image
from fastpix.job.summary import Summary
from fastpix.job.vocabulary import modality_term, photometric_term, unit_term
from fastpix.notes import count_of
from fastpix.plan.plan import Plan
from fastpix.series.volume import Volume
from fastpix.standard.syntaxes import syntax_name
from fastpix.view.directions import letters_of
from fastpix.view.drawing import draw
from fastpix.view.looks import Look, seen_of_image
from fastpix.view.pane import Group, Pane
from fastpix.view.sheet import png_bytes
from fastpix.view.three_planes import planes_of
from fastpix.view.voi import VoiWindow

_SIDE = 320  # pixels of the picture of an image
_PLANE_SIDE = 240  # of the longest side of the planes of a volume
_MOST_PIXELS = 2**25  # of a frame that is decoded for a picture
_MOST_REASONS = 10
_TABLE = "border-collapse:collapse;margin:0"
_CELL = "text-align:left;vertical-align:top;padding:1px 8px;border:none;background:none"
_FAINT = "opacity:.7"


def html_of(thing: object) -> str | None:
    """Return what a notebook shows; None where there is nothing better than its `repr`.

    Parameters
    ----------
    thing : Image, Plan, Volume or Summary
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever reads the values gets them
        if isinstance(thing, Plan):
            return _block(_plan_rows(thing))
        if isinstance(thing, Summary):
            return _of_summary(thing)
        if isinstance(thing, Volume):
            return _block(_volume_rows(thing), _volume_pictures(thing))
        if isinstance(thing, Image):
            return _block(_image_rows(thing), _image_picture(thing))
    return None


def _plan_rows(plan: Plan) -> list[tuple[str, str]]:
    """Return the rows of `describe`, without a unit that the standard does not have."""
    unit = plan.unit
    said = _known_unit(unit) if plan.color is None else unit
    return [
        (label, text.replace(unit, said) if label == "output" and said != unit else text)
        for label, text in plan.describe()
    ]


def _known_unit(unit: str) -> str:
    """Return words about a unit; of those that are the file's own, terms of the standard alone."""
    words = unit.split(" ")
    for begin in range(len(words)):  # behind "inverted", or "0..1, from -160..240"
        last = " ".join(words[begin:])
        if unit_term(last) == last or last == "stored values":
            return unit
    return "in a unit that the standard does not have"


def _image_rows(image: Image) -> list[tuple[str, str]]:
    header = image.header
    rows = [("modality", modality_term(header.modality) or "not of the standard")]
    try:
        rows += _plan_rows(image.plan())
    except FastpixError as error:
        size = f"{count_of(header.frames, 'frame')} of {header.rows} x {header.columns}"
        photometric = photometric_term(header.photometric) or "photometric unknown"
        rows += [
            ("image", f"{size} (rows x columns), {photometric}"),
            ("encoding", syntax_name(header.transfer_syntax) or "unknown"),
            ("error", error.storable),
        ]
    try:
        spacing, affine = image.spacing, image.affine
    except FastpixError as error:
        return [*rows, ("place", error.storable)]
    if spacing is not None:
        rows.append(("spacing", f"{_millimetres(spacing[-2:])} (row, column)"))
    if affine is not None:
        rows.append(("directions", _directions(affine, ("slices", "rows", "columns"))))
    return rows


def _image_picture(image: Image) -> str:
    """Return the middle frame; a line that says what failed, or what to install."""
    header = image.header
    if header.rows * header.columns > _MOST_PIXELS:
        return _faint("no picture: the frame is too large for a glance")
    frame = len(image) // 2
    try:
        seen = seen_of_image(image, Look(numbers=(frame,), thinned=2 * _SIDE))
        group = seen.groups[0]
        picture = _picture(group.panes[0]._replace(caption=""), _SIDE)
    except (FastpixError, ImportError, OSError) as error:
        return _faint(_no_picture(error))
    which = f"frame {frame} of {len(image)}; " if len(image) > 1 else ""
    return _figure(picture, f"{which}{group.title}")


def _volume_rows(volume: Volume) -> list[tuple[str, str]]:
    axes = [*volume.axes, "slice", "row", "column"]
    sizes = list(map(str, volume.array.shape))
    if len(sizes) > len(axes):
        axes.append("colour")
    rows = [
        ("shape", f"{' x '.join(sizes)} ({', '.join(axes).replace('_', ' ')})"),
        ("values", f"{volume.array.dtype}, {_known_unit(volume.unit)}"),
        ("modality", modality_term(volume.modality) or "not of the standard"),
        ("kind", volume.kind.replace("_", " ")),
    ]
    if volume.spacing is not None:
        rows.append(("spacing", f"{_millimetres(volume.spacing)} (slice, row, column)"))
    if volume.affine is not None:
        rows.append(("directions", _directions(volume.affine, ("slices", "rows", "columns"))))
        rows.append(("affine", _matrix(volume.affine)))
    missing = sum(source is None for source in volume.sources)
    if missing:
        rows.append(("missing", f"{count_of(missing, 'slice')} of {len(volume.sources)}"))
    rows += [("warning" if note.oddity else "note", note.text) for note in volume.notes]
    return rows


def _volume_pictures(volume: Volume) -> str:
    """Return the three planes, on one scale; a line that says what failed, or what to install."""
    if not volume.array.size:
        return ""
    try:
        planes = planes_of(volume)
        extents = [_extent(pane) for pane in planes.panes]
        sides = [max(64, round(_PLANE_SIDE * each / max(extents))) for each in extents]
        figures = [
            _figure(_picture(pane._replace(caption=""), side), pane.caption)
            for pane, side in zip(planes.panes, sides, strict=True)
        ]
    except (FastpixError, ImportError, OSError) as error:
        return _faint(_no_picture(error))
    which = f"volume {len(volume.array) // 2} of {len(volume.array)}; " if volume.axes else ""
    said = "" if planes.window is None else _ends(planes.window)
    return "".join(figures) + _faint(f"{which}{said}")


def _ends(window: VoiWindow) -> str:
    low, high = window.center - window.width / 2, window.center + window.width / 2
    return f"percentiles 1 to 99: values {low:.4g} to {high:.4g}"


def _extent(pane: Pane) -> float:
    """Return how long the longer side of a pane is, in millimetres or in pixels."""
    rows, columns = pane.pixels.shape[:2]
    return float(max(rows * pane.place.aspect, columns) * (pane.place.mm or 1.0))


def _of_summary(summary: Summary) -> str:
    reasons = summary.reasons()
    rows = [(f"{count:,}", what) for count, what in summary.rows()]
    parts = [_title(summary.title()), _table(rows)]
    if reasons:
        shown = [(f"{count:,}", reason) for reason, count in reasons[:_MOST_REASONS]]
        if len(reasons) > _MOST_REASONS:
            rest = sum(count for _, count in reasons[_MOST_REASONS:])
            shown.append((f"{rest:,}", "for other reasons"))
        parts += [_title(f"why files {summary.words.failed}"), _table(shown)]
    steps = [summary.words.failed_step] if summary.failed else []
    parts.append(_faint("; ".join(["Next: " + summary.words.next_step, *steps])))
    return _outer("".join(parts))


def _picture(pane: Pane, side: int) -> str:
    """Return a pane as an image of HTML."""
    png = base64.b64encode(png_bytes(draw([Group("", [pane])], side))).decode()
    return f'<img alt="" style="max-width:100%" src="data:image/png;base64,{png}">'


def _no_picture(error: Exception) -> str:
    said = error.storable if isinstance(error, FastpixError) else str(error)
    if isinstance(error, OSError):
        said = error.strerror or type(error).__name__  # not its path, which may name a patient
    return f"no picture: {said}"


def _millimetres(spacing: Sequence[float]) -> str:
    known = ["unknown" if math.isnan(mm) else f"{mm:.4g}" for mm in spacing]
    return f"{' x '.join(known)} mm"


def _directions(affine: Any, names: Sequence[str]) -> str:
    """Return whither slices, rows and columns go on in the patient, in letters."""
    found = [(name, letters_of(affine[:3, k].tolist())) for k, name in enumerate(names)]
    return ", ".join(f"{name} towards {letters}" for name, letters in found if letters)


def _matrix(affine: Any) -> str:
    return np.array2string(affine, precision=4, suppress_small=True, max_line_width=120)


def _block(rows: Iterable[tuple[str, str]], picture: str = "") -> str:
    return _outer(f"{_table(rows)}<div>{picture}</div>" if picture else _table(rows))


def _outer(html: str) -> str:
    style = "display:flex;flex-wrap:wrap;gap:6px;align-items:flex-start;flex-direction:column"
    return f'<div class="fastpix" style="{style}">{html}</div>'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:600">'
        f"{escape(label)}</th>"
        f'<td style="{_CELL};{_spaces(text)}">{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f'<table style="{_TABLE}"><tbody>{lines}</tbody></table>'


def _spaces(text: str) -> str:
    """Return the style of a text: that of a matrix keeps its columns in line."""
    return "white-space:pre;font-family:monospace" if "\n" in text else "white-space:pre-wrap"


def _figure(picture: str, caption: str) -> str:
    style = "display:inline-block;margin:0 8px 4px 0;vertical-align:top;max-width:100%"
    return f'<figure style="{style}">{picture}<figcaption>{_faint(caption)}</figcaption></figure>'


def _title(text: str) -> str:
    return f'<div style="font-weight:600">{escape(text)}</div>'


def _faint(text: str) -> str:
    return f'<div style="{_FAINT}">{escape(text)}</div>' if text else ""
