"""``fastpix stats``: what values a cache has, and the ``normalize`` that suits them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastpix.cli.commands import app
from fastpix.cli.option_values import SPLIT_BY, SPLITS, one_of
from fastpix.notes import count_of

if TYPE_CHECKING:
    from fastpix.job.statistics.cache_statistics import CacheStatistics


@app.command("stats")
def stats_command(
    dst: Annotated[str, typer.Argument(metavar="DST", help="Folder or URL of the cache.")],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One split alone: train, val, test, or another name of --fractions.",
            autocompletion=one_of(SPLITS),
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="What is never in two splits: a patient, study, series or image.",
            autocompletion=one_of(SPLIT_BY),
        ),
    ] = "patient",
    fractions: Annotated[
        str | None,
        typer.Option(metavar="SHARES", help="Of the splits [default: train=0.8,val=0.1,test=0.1]."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another gives another split.")] = 0,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the histograms as a picture.")
    ] = None,
    histograms: Annotated[
        bool, typer.Option("--histograms", help="Show the histograms in the terminal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Strict JSON.")] = False,
) -> None:
    """Show mean, spread and percentiles of each group of images of a cache.

    A group is a modality, maker, model and unit. Values are those before normalize, padding left
    out. Where all are integers, all figures are exact; else percentiles are within 0.4 %. They are
    kept in DST/stats.json, or stats-SPLIT.json. Splits are those of fastpix.split.
    """
    from fastpix.job.patient_split import SPLITS, fractions_named
    from fastpix.job.statistics.cache_statistics import read_statistics
    from fastpix.job.statistics.histogram_picture import histogram_png
    from fastpix.job.statistics.stats_report import stats_json
    from fastpix.job.storage import storage_at

    shares = SPLITS if fractions is None else fractions_named(fractions)
    found = read_statistics(dst, split, by=by, fractions=shares, seed=seed)  # type: ignore[arg-type]
    text = stats_json(found.groups, found.outliers, found.counted)
    key = found.counted.key
    storage_at(dst).replace(key, f"{text}\n".encode())
    if png is not None:
        histogram_png(found.groups, png)
    if as_json:
        typer.echo(text)
        return
    _show(found, dst, histograms)
    typer.echo(f"All figures, with the histograms: {dst.rstrip('/')}/{key}")
    if png is not None:
        typer.echo(f"Histograms: {png}")


def _show(found: CacheStatistics, dst: str, histograms: bool) -> None:
    from rich.console import Console

    from fastpix.job.statistics.stats_report import histogram_text, stats_table, title_of

    if not found.groups:
        typer.echo("This cache holds no images, so there is nothing to count.")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=120, soft_wrap=True)
    console.print(stats_table(found.groups), highlight=False, markup=False)
    for result in found.groups:
        line = result.normalize_line()
        if histograms or line is not None:
            typer.echo(title_of(result.group))
        if histograms:
            typer.echo(histogram_text(result, min(console.width, 100)))
        if line is not None:
            typer.echo(f"  {line}   (percentiles 0.5 and 99.5)")
    for group, images in found.outliers.items():
        typer.echo(f"Far from the others of {title_of(group)}:")
        for image in images:
            typer.echo(f"  {image.name}  {image.why}")
        typer.echo(f"  Which source files these are: fastpix locate {shlex.quote(dst)} --name NAME")
    if found.recounted:
        typer.echo(f"{count_of(found.recounted, 'image')} read again for these figures.")
