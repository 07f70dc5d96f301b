"""``fastpix manifest``, ``locate`` and ``gc``: what a cache holds, and its upkeep."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastpix.cli.commands import app, console_here, fail, sources_of
from fastpix.notes import count_of

if TYPE_CHECKING:
    import pyarrow

_SHOWN = ("kind", "status", "modality", "manufacturer", "unit", "dtype")
Destination = Annotated[str, typer.Argument(metavar="DST", help="Folder or URL of the cache.")]


@app.command("manifest")
def manifest_command(
    dst: Destination,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV; lists are JSON.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Failures alone.")] = False,
) -> None:
    """Say what is in a cache: a table of counts, or every row.

    docs/job.md says what each column means. Nothing in it names a patient.
    """
    from fastpix.job.manifest_table import read_manifest

    table = read_manifest(dst)
    if failed:
        table = table.filter(_are_equal(table, "status", "failed"))
    if as_json:
        import json

        for row in _rows(table):
            typer.echo(json.dumps(row, allow_nan=False))
    elif as_csv:
        _write_csv(table)
    else:
        _print_counts(table)


def _are_equal(table: pyarrow.Table, column: str, value: str) -> object:
    from pyarrow import compute

    return compute.equal(table.column(column).cast("string"), value)


def _rows(table: pyarrow.Table) -> Iterator[dict[str, object]]:
    for batch in table.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            yield {name: _strict(value) for name, value in row.items() if value is not None}


def _strict(value: object) -> object:
    """Return a value as strict JSON knows it, which has no NaN."""
    if isinstance(value, list):
        return list(map(_strict, value))
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _write_csv(table: pyarrow.Table) -> None:
    import csv
    import json

    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = table.column_names
    writer.writerow(names)
    for row in _rows(table):
        found = [row.get(name) for name in names]
        writer.writerow([json.dumps(v) if isinstance(v, list) else v for v in found])


def _print_counts(table: pyarrow.Table) -> None:
    from rich.table import Table

    counts: dict[tuple[str, ...], int] = {}
    columns = [table.column(name).to_pylist() for name in _SHOWN]
    for values in zip(*columns, strict=True):
        key = tuple("" if value is None else str(value) for value in values)
        counts[key] = counts.get(key, 0) + 1
    shown = Table(title=count_of(len(table), "row"), title_justify="left")
    shown.add_column("rows", justify="right")
    for name in _SHOWN:
        shown.add_column(name)
    for key, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        shown.add_row(str(count), *key)
    console_here().print(shown, highlight=False, markup=False)
    if any(name.startswith("unknown-") for key in counts for name in key):
        typer.echo(
            "unknown-...: a name that is not in fastpix's tables, so its keyed hash is kept."
        )
    typer.echo("Every row and column: --csv or --json; failures alone: --failed.")


@app.command()
def locate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[SRC...] DST",
            help="The cache, or the copies; before it its sources: copies have no list of paths, "
            "and that of a cache may be lost.",
        ),
    ],
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="To look for; of copies, their UIDs and patients too; may be repeated [default: "
            "those that failed].",
        ),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            "--paths", metavar="FOLDER", help="Where paths are [default: DST.paths.parquet]."
        ),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key of names [default: DST.key].")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For SRC: --root of the job.")
    ] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Those whose copies wait for a person.")
    ] = False,
) -> None:
    """Print the source files behind names, and why they failed or wait.

    Paths may hold patient data, so a cache has none: they are kept beside it, for its owner.
    """
    from fastpix.job.manifest_table import read_manifest

    *sources, dst = paths
    table = read_manifest(dst)
    wanted = {each.partition(":")[0] for each in name or ()}  # NAME:VERSION, of a copy that waits
    if name:
        wanted = _with_pseudonyms(table, wanted)
    rows = {
        str(row["name"]): row
        for row in _rows(table.select(["name", "status", "error", "reason", "kind", "notes"]))
    }
    if waiting:
        wanted |= {each for each, row in rows.items() if row["status"] == "in review"}
    elif not name:
        wanted = {each for each, row in rows.items() if _is_failed_file(row)}
    every = _hashed(sources, dst, key_file, root) if sources else _kept(dst, kept)
    found = {each: place for each, place in every if each in wanted}
    for each in sorted(found):
        row = rows.get(each, {})
        why = f"\t{row['error']}: {row.get('reason', '')}" if row.get("error") else ""
        if row.get("status") == "in review":
            notes: Any = row.get("notes") or ()
            why = f"\tin review: {'; '.join(notes)}"
        typer.echo(os.fsencode(f"{each}\t{found[each]}{why}"))
    if lost := len(wanted - set(found)):
        fail(f"{count_of(lost, 'name')} not found: give the sources, --root and --key-file of the "
             f"job, or its --paths")  # fmt: skip


def _with_pseudonyms(table: Any, wanted: set[str]) -> set[str]:
    """Return names; in place of a UID or a patient of copies, the names of all that have it."""
    found = set(wanted)
    for column in ("patient", "study", "series", "sop_instance"):
        for value, name in zip(
            table.column(column).to_pylist(), table.column("name").to_pylist(), strict=True
        ):
            if value in wanted:
                found.discard(value)
                found.add(name)
    return found


def _kept(dst: str, folder: Path | None) -> Iterator[tuple[str, str]]:
    """Yield names and files as runs have kept them beside the cache."""
    from fastpix.deidentification.run.copy_settings import CopySettings
    from fastpix.job.dataset_file import kind_of
    from fastpix.job.source_paths import default_paths_folder, read_paths
    from fastpix.job.storage import storage_at

    place = folder or default_paths_folder(Path(dst))
    if not place.is_dir():
        if kind_of(storage_at(dst)) == CopySettings.kind:
            fail(f"copies keep no list of paths: name their sources, too: fastpix locate SRC {dst}")
        fail(f"{place}: the paths of this cache are not here; say with --paths where they "
             f"are, or name the sources: fastpix locate SRC {dst}")  # fmt: skip
    return read_paths(place)


def _hashed(
    sources: list[str], dst: str, key_file: Path | None, root: Path | None
) -> Iterator[tuple[str, str]]:
    """Yield names and files of sources, by the key."""
    from fastpix.job.dataset_file import check_key
    from fastpix.job.scan import open_sources
    from fastpix.job.storage import storage_at
    from fastpix.pseudonyms import Names, default_key_file, load_key

    key_path = key_file or default_key_file(Path(dst))
    key_path.stat()  # a key made now would find nothing
    names = Names(load_key(key_path, Path(dst)))
    check_key(storage_at(dst), names.fingerprint, str(key_path))
    listed = sources_of(sources)
    found = open_sources(listed[0] if len(listed) == 1 else listed, root, skipped=[dst])
    return ((names.of_path(file.relative), file.location) for file in found.files())


def _is_failed_file(row: dict[str, object]) -> bool:
    return row["status"] == "failed" and row["kind"] in ("image", "file")


@app.command()
def gc(
    dst: Destination,
    force: Annotated[
        bool, typer.Option("--force", help="Remove what no run has committed, however new it is.")
    ] = False,
) -> None:
    """Free the space that a cache does not need any more.

    That of images which changed or vanished, and of runs that died.
    """
    from fastpix.job.gc import collect

    found = collect(dst, force=force)
    typer.echo(
        f"{count_of(found.removed, 'file')} removed, {count_of(found.rewritten, 'shard')} "
        f"rewritten, {found.freed / 1e6:.1f} MB freed"
    )
    if found.lost:
        typer.echo(f"{count_of(found.lost, 'array')} missing: run fastpix convert again for them.")
