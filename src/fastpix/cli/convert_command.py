"""``fastpix convert`` and ``fastpix demo``: the main job."""

from __future__ import annotations

import functools
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastpix.cli.commands import (
    ColorRange,
    DecoderName,
    Dtype,
    ExecutorName,
    Invert,
    JobSources,
    MaxBytes,
    Normalize,
    Padding,
    Rescale,
    ShardName,
    Timeout,
    Workers,
    app,
    console_here,
    sources_of,
)
from fastpix.cli.option_values import (
    CACHE_FORMATS,
    COMPRESSIONS,
    DUPLICATES,
    GAPS,
    ORDERS,
    UNITS,
    one_of,
)
from fastpix.cli.redaction_options import (
    CommandWithBoxes,
    Redact,
    RedactBoxes,
    RedactRegions,
    redaction_of_options,
)
from fastpix.errors import ArgumentError
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

if TYPE_CHECKING:
    from fastpix.job.summary import Summary


@app.command("convert", cls=CommandWithBoxes)
def convert_command(
    src: JobSources,
    dst: Annotated[str, typer.Argument(metavar="DST", help="Folder or URL of the cache.")],
    dtype: Dtype = "float32",
    rescale: Rescale = True,
    invert: Invert = "max",
    normalize: Normalize = None,
    padding: Padding = None,
    color_range: ColorRange = None,
    decoder: DecoderName = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="tar, npz, b2nd, nifti, png, zarr or index [default: tar; b2nd for series].",
            autocompletion=one_of(CACHE_FORMATS),
        ),
    ] = None,
    unit: Annotated[
        str,
        typer.Option(
            metavar="UNIT",
            help="file: an image a file; series: volumes.",
            autocompletion=one_of(UNITS),
        ),
    ] = "file",
    compress: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="none: the fastest to read; lz4; zstd: the smallest.",
            autocompletion=one_of(COMPRESSIONS),
        ),
    ] = "none",
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help='Images to keep: "modality in CT,MR"; may be repeated.',
        ),
    ] = None,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Images with the same SOP Instance UID: keep all, first, or error.",
            autocompletion=one_of(DUPLICATES),
        ),
    ] = "keep",
    gaps: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Missing slices. error: refuse the series; fill: a plane of NaN for each.",
            autocompletion=one_of(GAPS),
        ),
    ] = "error",
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Leave out volumes that are incomplete."),
    ] = False,
    spacing: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="MM MM MM", help="Resample volumes: slice, row, column."),
    ] = None,
    order: Annotated[
        int,
        typer.Option(
            metavar="0|1|3",
            help="How --spacing resamples. 0: nearest, for labels; 1: linear; 3: cubic.",
            autocompletion=one_of(ORDERS),
        ),
    ] = 1,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="C W",
            help="Centre and width, in units of values, of png for people to look at.",
        ),
    ] = None,
    redact: Redact = None,
    redact_boxes: RedactBoxes = None,
    redact_regions: RedactRegions = False,
    executor: ExecutorName = None,
    workers: Workers = None,
    shard: ShardName = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key of names [default: DST.key, made once]."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Hash paths relative to this folder [default: SRC].",
        ),
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="sources.toml of fastpix audit: what a person decided."),
    ] = None,
    allow_unseen: Annotated[
        bool,
        typer.Option(
            "--allow-unseen",
            help="With --sources: take sources that nobody has looked at.",
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Take other settings than the cache was made by.",
        ),
    ] = False,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="NEW",
            help="In place of DST, if that was made by other settings.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed and has not changed.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what is not in the source any more.")
    ] = False,
    timeout: Timeout = 600.0,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Convert all DICOM images under SRC into a cache, free of patient data.

    Run it again for what is new, changed or was interrupted; all else stays.
    """
    from fastpix.cli.next_steps import after_conversion
    from fastpix.job.scan import shard_of
    from fastpix.recipe import Recipe

    recipe = Recipe(
        dtype, rescale, invert, normalize, padding, decoder, color_range  # type: ignore[arg-type]
    )  # fmt: skip
    is_one = len(src) == 1 and src != ["-"]
    source = src[0] if is_one else sources_of(src)
    run = functools.partial(
        _run, source, recipe=recipe, format=form, unit=unit,
        compress=compress, only=only or (), duplicates=duplicates, gaps=gaps, partial=partial,
        spacing=spacing, order=order, window=window, executor=executor, workers=workers,
        redaction=redaction_of_options(redact, redact_boxes, redact_regions),
        shard=shard_of(shard, os.environ),
        key_file=key_file, root=root, sources=sources, allow_unseen=allow_unseen,
        replace=replace, retry_failed=retry_failed, prune=prune,
        timeout=timeout, max_bytes=max_bytes,
    )  # fmt: skip
    try:
        summary = run(dst)
    except ArgumentError as error:
        if into is None or error.argument != "dst":
            raise
        dst = into
        summary = run(dst)
    for line in after_conversion(summary, src, dst):
        typer.echo(line)
    if summary.failed:
        typer.echo(f"Which files failed, and why:\n  fastpix locate {shlex.quote(dst)}")
        raise typer.Exit(1)
    if duplicates == "error" and summary.duplicates:
        typer.echo("Duplicates are an error here: leave them out of SRC, or use --duplicates "
                   "first, which converts one of each")  # fmt: skip
        raise typer.Exit(1)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of the cache [default: fastpix-demo].")
    ] = Path("fastpix-demo"),
    workers: Workers = None,
) -> None:
    """Convert the DICOM files that come with pydicom, and say where to look.

    Some of them are made to fail. OUT.png shows all that could be read.
    """
    import pydicom.data

    from fastpix.cli.next_steps import command_here, written
    from fastpix.job.cache_opening import open_cache
    from fastpix.view.contact_sheet import write_contact_sheet

    source = Path(pydicom.data.__file__).parent / "test_files"
    typer.echo(
        "Converting the test files that come with pydicom. Some are made to be broken, so that\n"
        f"readers can be tried: they are going to fail. They are in\n{source}\n"
    )
    _run(str(source), str(out), workers=workers)
    cache = open_cache(out)
    if not len(cache):
        raise typer.Exit(1)
    sheet = out.with_name(f"{out.name}.png")
    write_contact_sheet(cache, sheet)
    about = "\n".join(written(str(out)))
    python, command = shlex.quote(sys.executable), command_here()
    show = f"import fastpix; cache = fastpix.open_cache({json.dumps(str(out))}); "
    show += "print(cache, cache[0].shape, cache[0].dtype)"
    typer.echo(
        f"""
Look at {sheet}: a picture of each of the {count_of(len(cache), "image")} that could be read.
{about}

What is in the cache, and why files failed:
  {command} manifest {shlex.quote(str(out))}
  {command} locate {shlex.quote(str(out))}
The values of each group of images:
  {command} stats {shlex.quote(str(out))}
An image of the cache as a NumPy array:
  {python} -c {shlex.quote(show)}
What is done to each pixel of a file:
  {command} info {shlex.quote(str(source / "CT_small.dcm"))}
Your own images:
  {command} convert FOLDER-OF-IMAGES NEW-FOLDER"""
    )


def _run(source: str | list[str], dst: str, **arguments: Any) -> Summary:
    from fastpix.cli.progress import JobProgress, summary_table
    from fastpix.job.conversion import convert

    console = console_here()
    try:
        with JobProgress(console) as progress:
            summary = convert(
                source, dst, on_trouble=progress.tell, on_progress=progress.advance, **arguments
            )
    except KeyboardInterrupt:
        typer.echo(
            "Interrupted. What is done stays in the cache; run the same command again to go on."
        )
        raise typer.Exit(130) from None
    console.print(summary_table(summary), highlight=False, markup=False)
    return summary
