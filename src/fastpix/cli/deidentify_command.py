"""``fastpix deidentify``: copies that may leave, and what a person decides about their pixels."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from fastpix.cli.commands import MaxBytes, app, console_here, fail, sources_of
from fastpix.cli.default_command import RunByDefault
from fastpix.cli.redaction_options import (
    CommandWithBoxes,
    Redact,
    RedactBoxes,
    RedactRegions,
    redaction_of_options,
)
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

_BY = Annotated[str, typer.Option(metavar="NAME", help="Who has looked.")]
_DST = Annotated[Path, typer.Argument(metavar="DST", help="Folder of the copies.")]

deidentify = typer.Typer(
    help="Write de-identified copies (fastpix deidentify SRC DST), each audited before it has a "
    "name.",
    cls=RunByDefault,
)
app.add_typer(deidentify, name="deidentify", no_args_is_help=True)


@deidentify.command("run", cls=CommandWithBoxes)
def run_command(
    src: Annotated[
        list[str],
        typer.Argument(
            help="Folders, archives, globs, files, URLs, or a list that fastpix scan has written; "
            "- reads paths from stdin."
        ),
    ],
    dst: Annotated[Path, typer.Argument(help="Folder of the copies.")],
    dates: Annotated[
        str, typer.Option(help="remove; shift: by whole days, as many for all files of a patient.")
    ] = "remove",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="device, institution, patient-characteristics or uids, with commas; may be "
            "repeated."
        ),
    ] = None,
    redact: Redact = None,
    redact_boxes: RedactBoxes = None,
    redact_regions: RedactRegions = False,
    detect_text: Annotated[
        bool, typer.Option("--detect-text", help="Draw what in the pixels may be text; slower.")
    ] = False,
    blank_detected: Annotated[
        bool, typer.Option("--blank-detected", help="Blank it, too.")
    ] = False,
    accept_pixels: Annotated[
        bool,
        typer.Option(
            "--accept-pixels", help="Nothing waits for a person: no pixel shows who it is."
        ),
    ] = False,
    any_sop: Annotated[
        bool, typer.Option("--any-sop", help="Take SOP classes that are not known.")
    ] = False,
    executor: Annotated[
        str | None, typer.Option(help="dask:ADDRESS [default: own processes].")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [default: all cores].")] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Do one part of N, from 0 [default: that of SLURM]."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Key of all pseudonyms [default: DST.key, made on first use]."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Hash paths relative to this folder [default: the source].")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take other settings than DST was made by.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what was refused.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove copies of what is not in SRC any more.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds that a file may take.")] = 600.0,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Write a de-identified copy of every DICOM file under SRC into DST/copies.

    Each copy is read again and audited in DST.work before it gets its name. Images of kinds that
    often carry text wait there for fastpix deidentify accept. DST.key leads pseudonyms back: keep
    it, and keep it to yourself. A copy is de-identified, never anonymous.

    Run it again for what is new, changed or was interrupted; nothing else is opened.
    """
    from fastpix.cli.progress import COPIED, JobProgress, summary_table
    from fastpix.deidentification.run.deidentifying import deidentify as run
    from fastpix.job.scan import shard_of

    is_one = len(src) == 1 and src != ["-"]
    kept: Any = [name.strip() for each in keep or () for name in each.split(",") if name.strip()]
    console = console_here()
    try:
        with JobProgress(console, "copying") as progress:
            summary = run(
                src[0] if is_one else sources_of(src), dst,
                dates=dates,  # type: ignore[arg-type]
                keep=kept, any_sop=any_sop,
                redaction=redaction_of_options(redact, redact_boxes, redact_regions),
                detect_text=detect_text, blank_detected=blank_detected,
                accept_pixels=accept_pixels, executor=executor, workers=workers,
                shard=shard_of(shard, os.environ), key_file=key_file, root=root, replace=replace,
                retry_failed=retry_failed, prune=prune, timeout=timeout, max_bytes=max_bytes,
                on_progress=progress.advance,
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("Interrupted. Copies that are done stay; run the same command for the rest.")
        raise typer.Exit(130) from None
    console.print(summary_table(summary, COPIED), highlight=False, markup=False)
    quoted = shlex.quote(str(dst))
    if summary.in_review:
        page = shlex.quote(f"{dst}.work/review/index.html")
        typer.echo(
            f"In all, {_waiting(summary.in_review)} for a person: look at {page}, then "
            f"fastpix deidentify accept {quoted} NAME... --by YOU (or --all)"
        )
    if summary.failed:
        typer.echo(f"What was refused, and why: fastpix locate {' '.join(map(shlex.quote, src))} "
                   f"{quoted}")  # fmt: skip
        raise typer.Exit(1)


@deidentify.command("accept")
def accept_command(
    dst: _DST,
    by: _BY,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Of the copies.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Let out copies that wait in DST.work/review: their pixels show nobody's identity.

    Each is audited again before it moves to DST/copies.
    """
    from fastpix.deidentification.run.copy_folders import CopyFolders
    from fastpix.deidentification.run.review import accept
    from fastpix.deidentification.run.review_page import write_review_page

    if bool(names) == everything:
        fail("name the copies that you have looked at, or say --all")
    try:
        count = accept(dst, None if everything else names, by=by)
    finally:
        left = write_review_page(CopyFolders(dst))
    typer.echo(f"{count_of(count, 'copy', 'copies')} let out, {_waiting(left)}")


@deidentify.command("refuse")
def refuse_command(
    dst: _DST,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Of the copies.")],
    by: _BY,
) -> None:
    """Remove copies that wait in DST.work/review; they are made again only if SRC changes."""
    from fastpix.deidentification.run.copy_folders import CopyFolders
    from fastpix.deidentification.run.review import refuse
    from fastpix.deidentification.run.review_page import write_review_page

    count = refuse(dst, names, by=by)
    left = write_review_page(CopyFolders(dst))
    typer.echo(f"{count_of(count, 'copy', 'copies')} removed, {_waiting(left)}")


def _waiting(count: int) -> str:
    return count_of(count, "copy waits", "copies wait")
