"""``fastpix audit SRC [OUT]``: what a new source of images is like."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastpix.cli.commands import (
    ExecutorName,
    MaxBytes,
    Timeout,
    Workers,
    console_here,
    sources_of,
)
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import count_of

if TYPE_CHECKING:
    from rich.console import Console

    from fastpix.audit.record import Audit

_SHOWN = 40  # sources, and changes, that are listed
_WIDE = 110  # columns of a terminal where the names of sources have a column
_NUMBERS = ("files", "warnings")


def run_command(
    src: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="A folder, archive, glob, file or URL, or a list that fastpix scan has written; "
            "- reads paths from stdin.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of the audit [default: audit].")
    ] = Path("audit"),
    samples: Annotated[
        int, typer.Option(metavar="N", help="Images of a source whose pixels are read, at most.")
    ] = 12,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="What tells sources apart [default: manufacturer,model,modality,photometric,"
            "presentation].",
        ),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="OLD.json", help="Say what is new since this audit.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Write findings.csv and samples.csv, without names.")
    ] = False,
    pseudonymous: Annotated[
        bool,
        typer.Option("--pseudonymous", help="Hashed names for devices that fastpix does not know."),
    ] = False,
    detect_text: Annotated[
        bool,
        typer.Option("--detect-text", help="Search samples for text in the pixels; slower."),
    ] = False,
    seed: Annotated[
        int,
        typer.Option(metavar="N", help="Another gives other samples."),
    ] = 0,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key of names [default: OUT.key].")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="That of fastpix convert [default: SRC]."),
    ] = None,
    executor: ExecutorName = None,
    workers: Workers = None,
    timeout: Timeout = 600.0,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Look at new images once, before anything is trained on them.

    Headers of all files are read, and pixels of a few of each source. OUT/index.html shows what was
    found, with pictures; OUT/audit.json has every number, OUT/sources.toml an entry for each
    source, for a person to decide. All stay inside the hospital.

    OUT.state keeps what headers came to, in keyed hashes: run it again for files that are new,
    changed or were not reached; headers of others are not read. It may be removed.
    """
    from fastpix.audit.audit_files import check_folder, with_verdicts, write_audit
    from fastpix.audit.auditing import make_audit
    from fastpix.audit.comparing import check_comparable, compared
    from fastpix.audit.kept_batches import default_state_folder
    from fastpix.audit.record_json import from_json
    from fastpix.audit.report.page import PAGE, check_libraries, write_page
    from fastpix.cli.progress import PhaseProgress
    from fastpix.pseudonyms import Names, default_key_file, load_key
    from fastpix.sources.source_key import BY, checked_by

    check_libraries()
    console = console_here()
    old = None if compare is None else from_json(compare.read_bytes())
    attributes = checked_by(BY if by is None else [each.strip() for each in by.split(",")])
    key = key_file or default_key_file(out)
    out.mkdir(parents=True, exist_ok=True)
    names = Names(load_key(key, out))
    check_folder(out, attributes, names.fingerprint)
    if old is not None:
        check_comparable(old, attributes, names.fingerprint, pseudonymous)
    state = default_state_folder(out)
    try:
        with PhaseProgress(console) as progress:
            found = make_audit(
                sources_of(["-"]) if src == "-" else src, names, by=attributes, samples=samples,
                seed=seed, pseudonymous=pseudonymous, root=root, skipped=[out, key], state=state,
                executor=executor, workers=workers, timeout=timeout, max_bytes=max_bytes,
                pictures=True, detect_text=detect_text, on_progress=progress.advance,
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("Interrupted. Headers that were read are kept; run the same command to go on.")
        raise typer.Exit(130) from None
    audit = with_verdicts(found.audit, out)
    if old is not None:
        audit = compared(audit, old)
    write_audit(audit, out, tables=as_csv)
    write_page(audit, found.pictures, out)
    _show(audit, console)
    if not audit.sources:
        typer.echo(f"There is no DICOM image in {src}: is it the right folder?")
        return
    verdicts = shlex.quote(str(out / "sources.toml"))
    typer.echo(
        f"""
verdict: what a person has decided; unseen: nobody has looked yet
polarity: whether samples look as MONOCHROME1 or MONOCHROME2 says
text in pixels: look: there may be text, perhaps a name; unlikely: such images seldom have any

Look at {out / PAGE} in a browser: samples of each source, and what was found in it.
{out / "audit.json"} has every number. Keep both inside the hospital: they are not de-identified.
Then decide about each source, on that page or by its id
(accept: it is as its headers say; invert: MONOCHROME1 and 2 are exchanged; exclude: leave it out):
  fastpix audit mark ID accept --by YOUR-NAME --sources {verdicts}
Last, convert the sources that you have accepted:
  fastpix convert {shlex.quote(src)} DST --sources {verdicts} --key-file {shlex.quote(str(key))}"""
    )


def _show(audit: Audit, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    counts = audit.counts
    typer.echo(
        f"{count_of(counts.files, 'file')}: {count_of(counts.images, 'image')}, "
        f"{counts.not_images} not images, {counts.failed} failed; "
        f"{count_of(counts.patients, 'patient')}, "
        f"{counts.studies} {'study' if counts.studies == 1 else 'studies'}, {counts.series} series"
    )
    for reason, count in audit.failures.items():
        typer.echo(f"  {count}  {reason}")
    for each in audit.decodable:
        if each.remedy:
            typer.echo(f"  {each.files}  cannot be decoded here: {each.remedy}")
    is_narrow = console.width < _WIDE
    table = Table(show_edge=False, box=SIMPLE_HEAD)
    for name in ("id", "files", "verdict", "polarity", "text in pixels", "warnings"):
        table.add_column(name, no_wrap=True, justify="right" if name in _NUMBERS else "left")
    if not is_narrow:
        table.add_column("source", overflow="fold")
    from fastpix.audit.audit_files import what_of
    from fastpix.audit.findings import CATALOGUE

    names: dict[str, str] = {}
    for record in audit.sources[:_SHOWN]:
        weighty = sum(CATALOGUE[each.id].weight != "note" for each in record.findings)
        row = (record.id, str(record.files), record.status, record.polarity.verdict,
               record.burned_in.verdict, str(weighty))  # fmt: skip
        names[record.id] = what_of(record, audit.by)
        table.add_row(*row, *(() if is_narrow else (names[record.id],)))
    if table.row_count:
        console.print(table, highlight=False, markup=False)
    for source, name in names.items() if is_narrow else ():
        console.print(f" {source}  {name}", highlight=False, markup=False, soft_wrap=True)
    _tell_more("source", len(audit.sources))
    if audit.compared_with:
        typer.echo(f"New since {audit.compared_with}: {len(audit.changes) or 'nothing'}")
    for change in audit.changes[:_SHOWN]:
        typer.echo(f"  {change.source or 'all'}  {change.text}")
    _tell_more("change", len(audit.changes))


def _tell_more(thing: str, count: int) -> None:
    if count > _SHOWN:
        typer.echo(f"and {count_of(count - _SHOWN, f'more {thing}')}: see the page, or audit.json")
