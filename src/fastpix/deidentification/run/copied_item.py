"""One file to one copy: made and audited in DST.work, with its row of the manifest."""

from __future__ import annotations

import errno
import os
import warnings
import zlib
from pathlib import Path

from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.deidentification.pixels.review_pictures import review_picture
from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.copy_settings import CopyJob
from fastpix.errors import FastpixError, NotDicomError
from fastpix.header.instance import Instance, read_instance
from fastpix.image.limits import MAX_BYTES
from fastpix.image.open_image import open as open_image
from fastpix.job.item_making import place_of
from fastpix.job.items import Item
from fastpix.job.made import is_being_written
from fastpix.job.rows import Row, describer_of, failed_row, header_columns
from fastpix.job.scan.source_locations import open_location
from fastpix.notes import count_of
from fastpix.pseudonyms import Names
from fastpix.source.opening import read_source
from fastpix.source.stored import File

_OF_OUTPUT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_SHOWN = 3  # violations, in a reason; the notes have all
_PIECE = 2**20
_OF_ORIGINAL = frozenset({"source", "software"})  # an audit of the originals names them


def copy_item(item: Item, job: CopyJob, folder: Path) -> Row | None:
    """Make a copy of a file, and its picture if a person has to look.

    Parameters
    ----------
    item : Item
        Of one file.
    job : CopyJob
    folder : Path
        Where to: that of the attempt. What it holds afterwards is what the row says.

    Returns
    -------
    dict or None
        The row of the manifest; None: the file is still being written.

    Raises
    ------
    OSError
        The output cannot be written.
    ImportError
        The header engine is not installed.
    """
    (file,) = item.files
    target, picture = CopyFolders(job.destination).made(folder, item.name)
    for left in (target, picture):  # by a process that died with this file
        left.unlink(missing_ok=True)
    try:
        record = deidentified_copy(
            file.location, target, job.options, Names(job.key), max_bytes=job.max_bytes
        )
        if record.refused:
            row = _refused(item, record)
            if _is_no_dicom(file.location):
                row = failed_row(item, "image", "not an image")
        else:
            row = _done(item, record, target, job)
            if record.waits:
                _draw(target, picture, record, row)
    except Exception as error:
        target.unlink(missing_ok=True)
        if isinstance(error, ImportError) or _is_of_output(error, folder):
            raise
        row = _failed(item, error)
    if row["status"] == "failed" and is_being_written(file, job):
        return None
    if row["status"] == "failed":
        row["decoders_here"] = job.decoders
    return row


def _refused(item: Item, record: CopyRecord) -> Row:
    reason = record.refused
    if record.violations:
        reason += ": " + "; ".join(map(str, record.violations[:_SHOWN]))
    row = failed_row(item, "image", "failed", "Refused", reason)
    row["notes"] = [str(each) for each in record.violations] or None
    return row


def _failed(item: Item, error: Exception) -> Row:
    if isinstance(error, FastpixError):
        if isinstance(error, NotDicomError):
            return failed_row(item, "image", "not an image")
        reason = error.storable
    elif isinstance(error, OSError):
        reason = error.strerror or "input or output"
    elif isinstance(error, MemoryError):
        reason = "there is not enough memory for this file"
    else:
        reason = f"unexpected, at {place_of(error)}"
    return failed_row(item, "image", "failed", type(error).__name__, reason)


def _is_of_output(error: Exception, folder: Path) -> bool:
    if not isinstance(error, OSError):
        return False
    return error.errno in _OF_OUTPUT or str(error.filename or "").startswith(f"{folder}{os.sep}")


def _is_no_dicom(location: str) -> bool:
    """Whether a file that was refused is none of DICOM at all."""
    try:
        stored = read_source(open_location(location))
        try:
            read_instance(stored, MAX_BYTES)
        finally:
            if isinstance(stored, File):
                stored.close()
    except NotDicomError:
        return True
    except Exception:
        return False
    return False


def _done(item: Item, record: CopyRecord, target: Path, job: CopyJob) -> Row:
    size = checksum = 0
    with open(target, "rb") as file:
        while piece := file.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
            size += len(piece)
    row: Row = {
        "item": item.name, "name": item.name, "kind": "image", "state": item.state, "files": 1,
        "status": "in review" if record.waits else "done", "length": size, "checksum": checksum,
        "file": None if record.waits else CopyFolders("").key_of(item.name),
        "patient": record.patient, "study": record.study_instance_uid,
        "series": record.series_instance_uid, "sop_instance": record.sop_instance_uid,
    }  # fmt: skip
    notes = [record.waits] if record.waits else []
    if record.blanked:
        notes.append(f"{count_of(len(record.blanked), 'region')} blanked")
    if record.detected:
        notes.append(f"{count_of(len(record.detected), 'place')} may be text")
    if record.cleared:
        notes.append(f"{count_of(record.cleared, 'text')} held an identifier")
    if record.too_short:
        notes.append(f"{count_of(record.too_short, 'identifier')} too short to search for")
    row["notes"] = notes or None
    try:
        stored = read_source(str(target))
        try:
            row = {**_columns_of(read_instance(stored, job.max_bytes), job), **row}
        finally:
            if isinstance(stored, File):
                stored.close()
    except FastpixError:  # it has no pixels, or none that can be read: as the original
        pass
    return row


def _columns_of(instance: Instance, job: CopyJob) -> Row:
    """Return what the copy, and nothing else, says of itself."""
    found = {**header_columns(instance.header), **describer_of(job.key).identity(instance)}
    return {name: value for name, value in found.items() if name not in _OF_ORIGINAL}


def _draw(target: Path, picture: Path, record: CopyRecord, row: Row) -> None:
    """Draw the copy for the person who looks; where it cannot be drawn, the row says so."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawn = review_picture(open_image(target), record.blanked, record.detected)
    except FastpixError as error:
        row["notes"] = [*(row["notes"] or ()), f"no picture: {error.storable}"]
        return
    picture.write_bytes(drawn)
