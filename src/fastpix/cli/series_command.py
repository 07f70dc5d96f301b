"""``fastpix series``: what volumes a folder holds, and each of them as a file."""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

import typer

from fastpix.cli.commands import Dtype, app
from fastpix.cli.option_values import GAPS, VOLUME_FORMATS, one_of
from fastpix.errors import FastpixError, HeaderWarning
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

if TYPE_CHECKING:
    from fastpix.series.choosing import StackRow
    from fastpix.series.open_series import Found
    from fastpix.series.stack import Stack

T = TypeVar("T")

_MOST_FAILURES = 20  # files that are named
FORMATS = {"nifti": ".nii.gz", "npz": ".npz"}


@app.command("series")
def series_command(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Folders, archives or files.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a stack.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the volume of each stack to OUT.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Of --save: nifti or npz.",
            autocompletion=one_of(VOLUME_FORMATS),
        ),
    ] = "nifti",
    gaps: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Missing slices. error: refuse the volume; fill: a plane of NaN for each.",
            autocompletion=one_of(GAPS),
        ),
    ] = "error",
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out volumes that are incomplete.")
    ] = False,
    dtype: Dtype = "float32",
) -> None:
    """List the series under PATH: the shape and spacing of each volume, and oddities.

    No pixels are read, except for --save. Series Instance UIDs are printed, and are the names of
    files that --save writes, so look after them as you look after PATH.
    """
    from fastpix.series.open_series import find_stacks

    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is not nifti or npz", param_hint="--format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)  # findings are printed
        warnings.filterwarnings("ignore", module="pydicom")  # they do not say of which file
        source = paths if len(paths) > 1 else paths[0]
        found = find_stacks(
            source, 0.05, MAX_BYTES, None, functools.partial(_bar, "reading headers")
        )
        _print(found, paths, as_json)
        unsaved = 0
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            for stack in _bar("writing volumes", found.stacks):
                unsaved += not _save(stack, save, form, gaps, partial, dtype)
    if unsaved or found.failures:
        raise typer.Exit(1)


def _bar(text: str, things: list[T]) -> Iterable[T]:
    """Yield things, and show on a terminal how many are done."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(things, text, console=console, transient=True, disable=not console.is_terminal)


def _print(found: Found, paths: list[str], as_json: bool) -> None:
    from fastpix.series.choosing import table_of

    rows = [stack.row() for stack in found.stacks]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(_plain(row)))
    elif rows:
        typer.echo(table_of(rows))
        series = len({row.series_uid for row in rows})
        others = f"; no image: {count_of(found.others, 'file')}" if found.others else ""
        failed = len(found.failures)
        others += f"; failed: {count_of(failed, 'file')}" if failed else ""
        typer.echo(f"{series} series, {count_of(len(rows), 'stack')}{others}")
    elif not found.failures:
        where = ", ".join(paths)
        typer.echo(f"There is no DICOM image in {where}: is it the right folder?", err=True)
    for name, error in found.failures[:_MOST_FAILURES]:
        sys.stderr.write(f"fastpix: {os.fsdecode(name)}: {error}\n")
    if len(found.failures) > _MOST_FAILURES:
        more = count_of(len(found.failures) - _MOST_FAILURES, "more file")
        sys.stderr.write(f"fastpix: {more} failed; fastpix convert lists all of them, with why\n")


def _plain(row: StackRow) -> dict[str, Any]:
    """Return a row as strict JSON can hold it, which knows no NaN."""
    plain = row._asdict()
    if row.spacing is not None:
        plain["spacing"] = [mm if mm == mm else None for mm in row.spacing]
    return plain


def _save(stack: Stack, folder: Path, form: str, gaps: Any, partial: bool, dtype: str) -> bool:
    """Write the volume of a stack; False where there is none, which is said."""
    from fastpix.series.choosing import shown

    uid = quote(stack.series_uid, safe="") or "series"  # whatever the file says: no path
    path = folder / f"{uid}_{stack.number}{FORMATS[form]}"
    try:
        stack.read(gaps=gaps, partial=partial, dtype=dtype).save(path)
    except (FastpixError, OSError, ImportError) as error:
        of = shown(stack.series_uid) or "a series without a UID"
        sys.stderr.write(f"fastpix: stack {stack.number} of {of}: {error}\n")
        return False
    typer.echo(f"{path}")
    return True
