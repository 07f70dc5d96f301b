"""``fastpix deidentify``: copies that may leave, and what a person decides about their pixels."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from fastpix.cli.commands import (
    ExecutorName,
    JobSources,
    MaxBytes,
    ShardName,
    Timeout,
    Workers,
    app,
    console_here,
    fail,
    sources_of,
)
from fastpix.cli.help_pages import CommandWithPage, RunByDefault
from fastpix.cli.option_values import DATES, KEPT, one_of, some_of
from fastpix.cli.redaction_options import (
    CommandWithBoxes,
    Redact,
    RedactBoxes,
    RedactRegions,
    redaction_of_options,
)
from fastpix.errors import FastpixError
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

_BY = Annotated[
    str,
    typer.Option(
        metavar="YOU", help="Who has looked. The manifest keeps it, and leaves with the copies."
    ),
]
_NAMES = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME...]",
        help="Of the copies, as the page and review have them; - reads them from stdin.",
    ),
]
_DST = Annotated[Path, typer.Argument(metavar="DST", help="Folder of the copies.")]

deidentify = typer.Typer(
    help="Write de-identified copies, and decide about those that wait.",
    cls=RunByDefault,
)
app.add_typer(deidentify, name="deidentify", no_args_is_help=True)


@deidentify.command("run", cls=CommandWithBoxes)
def run_command(
    src: JobSources,
    dst: Annotated[str, typer.Argument(metavar="DST", help="Folder of the copies.")],
    dates: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="remove; shift: by whole days, as many for all files of a patient.",
            autocompletion=one_of(DATES),
        ),
    ] = "remove",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORDS",
            help="device,institution,patient-characteristics,uids: any.",
            autocompletion=some_of(lambda: KEPT),
        ),
    ] = None,
    redact: Redact = None,
    redact_boxes: RedactBoxes = None,
    redact_regions: RedactRegions = False,
    detect_text: Annotated[
        bool, typer.Option("--detect-text", help="Draw a box around what may be text; slower.")
    ] = False,
    blank_detected: Annotated[
        bool, typer.Option("--blank-detected", help="With --detect-text: blank it, too.")
    ] = False,
    accept_pixels: Annotated[
        bool,
        typer.Option(
            "--accept-pixels",
            help="No pixel shows who it is: no copy waits for a person.",
        ),
    ] = False,
    any_sop: Annotated[
        bool,
        typer.Option(
            "--any-sop",
            help="Take SOP classes that the standard does not have.",
        ),
    ] = False,
    executor: ExecutorName = None,
    workers: Workers = None,
    shard: ShardName = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key of pseudonyms [default: DST.key, made once]."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Hash paths relative to this folder [default: SRC].",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Take other settings than DST was made by: its copies go, and are made again.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what was refused.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove copies of what is not in SRC any more.")
    ] = False,
    timeout: Timeout = 600.0,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Write a de-identified copy of every DICOM file under SRC into DST/copies.

    Each copy is read again and audited in DST.work before it gets its name. Images of kinds that
    often carry text wait there for fastpix deidentify accept. DST.key leads pseudonyms back: keep
    it, and keep it to yourself. A copy is de-identified, never anonymous. Run it again: it does
    what is new, changed or was interrupted, and nothing else.
    """
    from fastpix.cli.progress import JobProgress, summary_table
    from fastpix.deidentification.run.deidentifying import deidentify as run
    from fastpix.job.scan import shard_of

    is_one = len(src) == 1 and src != ["-"]
    kept: Any = [name.strip() for each in keep or () for name in each.split(",") if name.strip()]
    console = console_here()
    quoted = shlex.quote(dst)
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
        typer.echo("Interrupted. Copies that are done stay; run the same command for the rest. "
                   f"What waits so far: fastpix deidentify review {quoted}")  # fmt: skip
        raise typer.Exit(130) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        fail(f"{quoted}: {error.strerror}. Copies that are done stay; make room, and run the same "
             f"command for the rest")  # fmt: skip
    console.print(summary_table(summary), highlight=False, markup=False)
    if summary.converted:
        beside = shlex.quote(os.path.normpath(dst))
        typer.echo(
            f"The copies are in {quoted}/copies. Keep {beside}.key and "
            f"{beside}.work here: they lead back to patients. Audit the "
            f"copies again at any time:\n  fastpix verify --deidentified {quoted}"
        )
    if summary.in_review:
        typer.echo(
            f"In all, {_waiting(summary.in_review)} for a person: look at "
            f"{shlex.quote(_page_of(dst))}, which gives the commands that let copies out or remove "
            f"them (fastpix deidentify review {quoted} lists them)"
        )
    if summary.failed:
        typer.echo(f"What was refused, and why: fastpix locate {' '.join(map(shlex.quote, src))} "
                   f"{quoted}")  # fmt: skip
        raise typer.Exit(1)


@deidentify.command("review", cls=CommandWithPage)
def review_command(dst: _DST) -> None:
    """List the copies that wait for a person to look at their pixels.

    A line for each: what accept and refuse take for it, why it waits, its picture. The page of
    their pictures, DST.work/review/index.html, is written again.
    """
    from fastpix.deidentification.run.copy_folders import CopyFolders
    from fastpix.deidentification.run.review import waiting
    from fastpix.deidentification.run.review_page import write_review_page

    count = write_review_page(CopyFolders(dst))  # first: whoever reads the list may stop reading
    for each in waiting(dst):
        picture = each.picture if each.picture.exists() else each.copy
        typer.echo(os.fsencode(f"{each.shown}\t{each.reason}\t{picture}"))
    page = f": look at {_page_of(dst)}" if count else ""
    typer.echo(f"{_waiting(count)}{page}", err=True)


@deidentify.command("accept", cls=CommandWithPage)
def accept_command(
    dst: _DST,
    by: _BY,
    names: _NAMES = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that wait now, also what came since you looked.")
    ] = False,
) -> None:
    """Let out copies that wait, because their pixels show nobody's identity.

    Each is audited again before it moves to DST/copies.
    """
    from fastpix.deidentification.run.copy_folders import CopyFolders
    from fastpix.deidentification.run.review import accept
    from fastpix.deidentification.run.review_page import write_review_page

    if bool(names) == everything:
        fail("name the copies that you have looked at, or say --all")
    try:
        count = accept(dst, None if everything else _names_of(names or ()), by=by)
    except FastpixError:
        with suppress(FastpixError):  # the first error is the one to tell
            write_review_page(CopyFolders(dst))
        raise
    left = write_review_page(CopyFolders(dst))
    typer.echo(f"{count_of(count, 'copy', 'copies')} let out, {_waiting(left)}")


@deidentify.command("refuse", cls=CommandWithPage)
def refuse_command(dst: _DST, by: _BY, names: _NAMES = None) -> None:
    """Remove copies that wait, because their pixels show who it is.

    They are made again only if the files in SRC change.
    """
    from fastpix.deidentification.run.copy_folders import CopyFolders
    from fastpix.deidentification.run.review import refuse
    from fastpix.deidentification.run.review_page import write_review_page

    if not names:
        fail("name the copies that are to be removed")
    count = refuse(dst, _names_of(names), by=by)
    left = write_review_page(CopyFolders(dst))
    typer.echo(f"{count_of(count, 'copy', 'copies')} removed, {_waiting(left)}")


def _names_of(names: Iterable[str]) -> list[str]:
    """Return names, with ``-`` replaced by the first column of each line of standard input."""
    return [line.partition("\t")[0].strip() for line in sources_of(list(names))]


def _page_of(dst: str | Path) -> str:
    return f"{Path(dst)}.work/review/index.html"


def _waiting(count: int) -> str:
    return count_of(count, "copy waits", "copies wait")
