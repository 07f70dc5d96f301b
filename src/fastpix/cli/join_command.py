"""``fastpix join``: labels to the images of a cache, without the plain identifiers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastpix.cli.commands import app
from fastpix.cli.option_values import IDENTIFIERS, one_of
from fastpix.notes import count_of

if TYPE_CHECKING:
    from fastpix.job.label_join import Joined


@app.command("join")
def join_command(
    dst: Annotated[str, typer.Argument(metavar="DST", help="Folder or URL of the cache.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="A .csv file (UTF-8) or a .parquet file.")
    ],
    on: Annotated[
        str,
        typer.Option(
            metavar="KEYWORD",
            help="What identifies the rows of LABELS: SOPInstanceUID, SeriesInstanceUID, "
            "StudyInstanceUID or PatientID.",
            autocompletion=one_of(IDENTIFIERS),
        ),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A column to keep [default: all that are numbers or flags]."
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The column of the identifiers [default: that of --on]."),
    ] = None,
    issuer_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of the Issuer of Patient ID.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key of names [default: DST.key].")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop what columns of the same names hold.")
    ] = False,
) -> None:
    """Join labels to the images of a cache, without plain identifiers.

    Columns of text may hold patient data: they are kept only if --column names them. Columns that
    hold identifiers are never kept. Another join adds columns, and rows to columns that are there.
    """
    from fastpix.job.label_file import KEY
    from fastpix.job.label_join import join_labels

    joined = join_labels(
        dst, labels, on, column or None, issuer_column, key_file,
        id_column=id_column, replace=replace,
    )  # fmt: skip
    _show(joined)
    typer.echo(f"In {dst.rstrip('/')}/{KEY}")


def _show(joined: Joined) -> None:
    counts = (
        (joined.matched, "of images in the cache"),
        (joined.unmatched, "of no image in the cache, left out"),
        (joined.unidentified, "without an identifier, left out"),
        (joined.repeated, "that say again what another says"),
    )
    typer.echo(f"{count_of(joined.labels, 'label')}:")
    for count, what in counts:
        if count or what.endswith("in the cache"):
            typer.echo(f"  {count:,} {what}")
    what = "volume" if joined.are_volumes else "image"
    typer.echo(f"{count_of(joined.labelled, what)} labelled, {joined.unlabelled:,} without a label")
    for name, kind in joined.columns.items():
        typer.echo(f"  {name}: {kind}")
    for name, why in joined.left_out.items():
        typer.echo(f"  left out: {name} {why}")
    if joined.texts:
        typer.echo(f"Text is kept as it is: check that there is no patient data in "
                   f"{', '.join(joined.texts)}.")  # fmt: skip
