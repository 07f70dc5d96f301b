"""``fastpix view``: a file, a series or a sample of a cache as a picture for people."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from fastpix.cli.commands import app, fail
from fastpix.cli.option_values import FUNCTIONS, one_of
from fastpix.cli.option_values import PROTOCOLS as TERMINALS
from fastpix.errors import ArgumentError, FastpixError, SeriesError
from fastpix.new_files import open_new


@app.command("view")
def view_command(
    source: Annotated[str, typer.Argument(metavar="FILE|SERIES|DST/NAME", help="What to look at.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT.png", help="Write a PNG.")
    ] = None,
    to_open: Annotated[
        bool, typer.Option("--open", help="Show it in the viewer of the desktop.")
    ] = False,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="C W", help="Centre and width, in units of values."),
    ] = None,
    function: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Of --window: linear, linear_exact or sigmoid.",
            autocompletion=one_of(FUNCTIONS),
        ),
    ] = "linear",
    percentiles: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Black and white are these percentiles."),
    ] = None,
    voi: Annotated[
        str | None,
        typer.Option(
            metavar="WINDOW", help="Of the file: its number from 0, or its name [default: 0]."
        ),
    ] = None,
    both: Annotated[bool, typer.Option("--both", help="Both polarities, side by side.")] = False,
    frame: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Frame or slice, from 0; may be repeated."),
    ] = None,
    most: Annotated[
        int, typer.Option(metavar="N", help="Frames or slices at most, spread over all.")
    ] = 20,
    series_uid: Annotated[
        str | None, typer.Option(metavar="UID", help="Which of several series.")
    ] = None,
    stack: Annotated[
        int | None, typer.Option(metavar="N", help="Which of several stacks, from 0.")
    ] = None,
    volume: Annotated[int, typer.Option(metavar="N", help="Which of several volumes, from 0.")] = 0,
    side: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            min=64,
            max=8192,
            help="Of a frame [default: 896; of several, 256].",
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--terminal",
            metavar="NAME",
            help="kitty, iterm2 or sixel [default: what the terminal is].",
            autocompletion=one_of(TERMINALS),
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT.png.")] = False,
) -> None:
    """Show an image, a series or a sample of a cache as a picture for people.

    In a terminal that can show pictures it appears at once; -o writes it. The window is the first
    of the file, else percentiles 1 and 99. MONOCHROME1 is shown as a radiologist expects it. The
    picture shows a patient: it is written nowhere but where you say.
    """
    from fastpix.view.drawing import draw
    from fastpix.view.looks import Look
    from fastpix.view.sheet import png_bytes
    from fastpix.view.subjects import seen
    from fastpix.view.terminal import PROTOCOLS, fitting, picture_bytes, protocol_of
    from fastpix.view.voi import checked_window

    if protocol is not None and protocol not in PROTOCOLS:
        raise typer.BadParameter(f"{protocol!r} is none of {', '.join(PROTOCOLS)}",
                                 param_hint="--terminal")  # fmt: skip
    if out is not None:
        _check_out(out, force)
    spoken = protocol or protocol_of(sys.stdout, os.environ)
    if out is None and not to_open and spoken is None:
        fail("this terminal cannot show pictures: give -o OUT.png to write one, or --open for the "
             "viewer of the desktop")  # fmt: skip
    if to_open and out is None and not _is_interactive():
        fail("--open keeps its picture until you press Enter, and nobody can: give -o OUT.png, too")
    look = Look(
        window=None if window is None else checked_window(*window, function),
        percentiles=percentiles,
        voi=voi,
        both=both,
        numbers=tuple(frame) if frame else None,
        most=most,
    )
    try:
        found = seen(source, look, series_uid=series_uid, stack=stack, volume=volume)
    except (ArgumentError, SeriesError):  # of what was asked
        if (Path(source) / "dataset.json").is_file():
            fail(f"{source} is a cache: name one of its images, as in {source}/NAME. Names: "
                 f"fastpix manifest {source} --csv")  # fmt: skip
        raise
    except FastpixError as error:
        fail(f"{source if error.source is None else error.source}: {error}")
    picture = draw(found.groups, side)
    for remark in found.remarks:
        typer.echo(remark, err=True)
    if out is not None:
        _write(out, png_bytes(picture), force)
        typer.echo(f"{out}", err=True)
    elif not to_open and spoken is not None:
        sys.stdout.flush()
        shown = picture if protocol else fitting(picture, sys.stdout)
        sys.stdout.buffer.write(picture_bytes(shown, spoken))
        sys.stdout.buffer.flush()
    if to_open:
        _open(png_bytes(picture), out)


def _check_out(out: Path, force: bool) -> None:
    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"{out} is to be a PNG: name it {out.stem}.png", param_hint="-o")
    if out.exists() and not force:
        fail(f"{out} exists: give another name, or --force to write over it")


def _write(out: Path, png: bytes, force: bool) -> None:
    """Write the file, for its owner alone; what was there stays until all is written."""
    if not force:
        try:
            handle = open_new(out)
        except FileExistsError:  # made since it was checked
            _check_out(out, force)
            raise
        with os.fdopen(handle, "wb") as file:
            file.write(png)
        return
    handle, name = tempfile.mkstemp(suffix=".png", prefix=".", dir=out.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(png)
        os.replace(name, out)
    finally:
        Path(name).unlink(missing_ok=True)


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _open(png: bytes, out: Path | None) -> None:
    """Show a PNG in the viewer of the desktop; one that nobody asked to keep does not stay."""
    if out is not None:
        _launch(out)
        return
    folder = Path(tempfile.mkdtemp(prefix="fastpix-"))  # for its owner alone
    try:
        path = folder / "view.png"
        path.write_bytes(png)
        _launch(path)
        typer.prompt("Press Enter to remove the picture", default="", show_default=False, err=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launch(path: Path) -> None:
    if typer.launch(str(path)) != 0:
        fail("there is no viewer of a desktop here: give -o OUT.png alone")
