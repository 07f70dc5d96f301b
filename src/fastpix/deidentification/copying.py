"""An instance to an audited copy, or the reason why there is none."""

from __future__ import annotations

import contextlib
import mmap
import os
import warnings
import zlib
from functools import lru_cache
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, NamedTuple

from fastpix.deidentification.copy_audit import audit_copy
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copy_rules import Violation
from fastpix.deidentification.corrections.declarations import declare, file_meta
from fastpix.deidentification.corrections.identifying_texts import clear
from fastpix.deidentification.corrections.required_values import repair
from fastpix.deidentification.engine import run_engine
from fastpix.deidentification.expected_copy import Expected
from fastpix.deidentification.identifiers import Harvest, Identifiers
from fastpix.deidentification.original_levels import TooDeepError, restore, take_levels
from fastpix.deidentification.value_kinds import PIXEL_DATA
from fastpix.deidentification.writing import (
    Encoding,
    PixelElement,
    PixelsCutOffError,
    find_pixels,
    write_copy,
)
from fastpix.header.dcmread import dcmread
from fastpix.header.file_meta import META, has_prefix, transfer_syntax_of
from fastpix.pseudonyms import Names
from fastpix.redaction import Region
from fastpix.standard.required_attributes import level_of
from fastpix.standard.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

# Objects that are words, or hold documents, of which nothing can be vouched for here.
_REFUSED = {
    "1.2.840.10008.1.3.10": "a DICOMDIR",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.9": "a waveform",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
}
_UNDEFINED = 0xFFFFFFFF
_RAW_DATA = "1.2.840.10008.5.1.4.1.1.66"
_DOCUMENT, _WAVEFORM, _CONTENT, _DIRECTORY = 0x00420011, 0x54000100, 0x0040A730, 0x00041220


class CopyRecord(NamedTuple):
    """What became of an instance.

    Attributes
    ----------
    refused : str
        Why there is no copy; empty: there is one. Nothing of the patient.
    violations : tuple of Violation
        What the audit found wrong with the copy that was made, and is gone again.
    sop_instance_uid, series_instance_uid, study_instance_uid, patient : str
        Of the copy.
    too_short : int
        How many identifiers were too short to be searched for.
    cleared : int
        Texts without a rule that had an identifier, and are gone.
    waits : str
        Why a person has to look at the pixels before the copy is let out; empty: nobody has to.
    blanked, detected : tuple of Region
        What was blanked in the pixels, and what in them may be text.
    """

    refused: str
    violations: tuple[Violation, ...] = ()
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    patient: str = ""
    too_short: int = 0
    cleared: int = 0
    waits: str = ""
    blanked: tuple[Region, ...] = ()
    detected: tuple[Region, ...] = ()


class _RefusedError(Exception):
    pass


class _Pseudonyms:
    """The pseudonyms of one patient."""

    def __init__(self, names: Names, patient_id: str, issuer: str) -> None:
        self.uid = lru_cache(maxsize=4096)(names.uid_of_copy)
        self.patient = names.patient_of_copy(patient_id, issuer)
        self.days = names.days_of_copy(patient_id, issuer)


def deidentified_copy(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    settings: Deidentification,
    names: Names,
    *,
    max_bytes: int = 2**32,
) -> CopyRecord:
    """Write a de-identified copy of an instance, and audit what was written.

    Parameters
    ----------
    source : path
    target : path
        Of a file that is not there yet; it is there afterwards only if nothing is wrong with it.
    settings : Deidentification
    names : Names
        Of the user's key.

    Returns
    -------
    CopyRecord

    Raises
    ------
    OSError
    ImportError
        The header engine is not installed.
    """
    with open(source, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return CopyRecord("an empty file")
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # of pydicom, on values that a copy does not have
            try:
                return _copy(file, data, target, settings, names)
            except _RefusedError as refused:
                return CopyRecord(str(refused))
            except (TooDeepError, RecursionError):
                return CopyRecord("sequences nested deeper than any IOD nests them")


def verify_copy(path: str | os.PathLike[str], settings: Deidentification) -> tuple[Violation, ...]:
    """Return what is wrong with a copy, as far as that shows without the original."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(audit_copy(path, settings, None))


def _copy(
    original: BufferedReader,
    data: mmap.mmap,
    target: str | os.PathLike[str],
    settings: Deidentification,
    names: Names,
) -> CopyRecord:
    dataset, pixels, encoding, syntax = _read(original, data)
    sop_class = _uid(dataset, "SOPClassUID")
    _refuse_kinds(dataset, sop_class)
    if not _uid(dataset, "SOPInstanceUID"):
        raise _RefusedError("it has no SOP Instance UID")
    required = level_of(sop_class)
    if required is None and not settings.any_sop:
        raise _RefusedError("its SOP class is unknown, so what its IOD demands is too: see any_sop")
    pseudonyms = _Pseudonyms(
        names, _text(dataset, "PatientID"), _text(dataset, "IssuerOfPatientID")
    )
    options = settings.options
    harvest = Harvest()
    new_uid = None if "uids" in settings.keep else pseudonyms.uid
    levels = take_levels(dataset, required, options, harvest, new_uid)
    if "uids" in settings.keep:
        harvest.uids.clear()
    identifiers = Identifiers(harvest)
    try:
        run_engine(dataset, settings, pseudonyms)
    except ImportError:
        raise
    except Exception as error:
        raise _RefusedError(f"the header engine failed: {type(error).__name__}") from error
    repair(levels, options, pseudonyms.uid)
    cleared = clear(levels, identifiers, pseudonyms.uid)
    restore(levels)
    declare(dataset, settings, pseudonyms.patient)
    meta = file_meta(sop_class, _uid(dataset, "SOPInstanceUID"), syntax)
    try:
        write_copy(target, meta, dataset, pixels, encoding)
        expected = Expected(
            levels, identifiers, pseudonyms.uid, pseudonyms.days, pseudonyms.patient, pixels
        )
        violations = audit_copy(target, settings, expected)
    except FileExistsError:
        raise
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(target)
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise _RefusedError(f"the copy cannot be written: {type(error).__name__}") from error
        raise
    if violations:
        os.unlink(target)
        return CopyRecord("the audit found violations", tuple(violations))
    return CopyRecord(
        "",
        (),
        _uid(dataset, "SOPInstanceUID"),
        _uid(dataset, "SeriesInstanceUID"),
        _uid(dataset, "StudyInstanceUID"),
        pseudonyms.patient,
        harvest.too_short,
        cleared,
    )


def _read(
    original: BufferedReader, data: mmap.mmap
) -> tuple[FileDataset, PixelElement | None, Encoding, str]:
    """Read a header, and find the pixels behind it."""
    head = bytes(data[: 2**16])
    syntax = transfer_syntax_of(head)
    body: bytes | mmap.mmap = data
    deflated = syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
    file: BufferedReader | BytesIO = original
    if deflated:
        body = _inflated(head, data)
        file = BytesIO(body)
    try:
        dataset = dcmread(file, stop_before_pixels=True, force=not has_prefix(head))
    except Exception as error:
        raise _RefusedError(f"it cannot be read: {type(error).__name__}") from error
    implicit, little = dataset.original_encoding
    encoding = Encoding(bool(implicit), little is not False, deflated)
    at = file.tell()
    pixels = None
    if at + 8 <= len(body) and _is_pixels(body[at : at + 4], encoding.little):
        try:
            pixels = find_pixels(body, at, encoding)
        except PixelsCutOffError:
            raise _RefusedError("its pixels are cut off") from None
    elif at + 8 <= len(body) or _is_cut_off(dataset):
        raise _RefusedError("its header cannot be read to its end")
    syntax = syntax or str(dataset.file_meta.get("TransferSyntaxUID", "") or "")
    if not syntax:
        undefined = pixels is not None and pixels.end - pixels.start > 12 and _items(pixels)
        if undefined:
            raise _RefusedError("its pixels are compressed, and no transfer syntax is named")
        syntax = EXPLICIT_VR_LITTLE_ENDIAN if encoding.little else EXPLICIT_VR_BIG_ENDIAN
        syntax = IMPLICIT_VR_LITTLE_ENDIAN if encoding.implicit else syntax
    if encoding.implicit != (syntax == IMPLICIT_VR_LITTLE_ENDIAN):
        raise _RefusedError("it is not encoded as its transfer syntax says")
    return dataset, pixels, encoding, syntax


def _is_cut_off(dataset: FileDataset) -> bool:
    """Whether the file ends within an element: pydicom takes what is there."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        value = getattr(element, "value", None)
        length = getattr(element, "length", _UNDEFINED)  # of raw elements alone
        if length != _UNDEFINED and len(value or b"") < length:
            return True
    return False


def _items(pixels: PixelElement) -> bool:
    return b"\xff\xff\xff\xff" in pixels.data[pixels.start + 4 : pixels.start + 12]


def _is_pixels(tag: bytes, little: bool) -> bool:
    order = "little" if little else "big"
    group, element = (int.from_bytes(tag[at : at + 2], order) for at in (0, 2))  # type: ignore[arg-type]
    return (group << 16 | element) in PIXEL_DATA


def _inflated(head: bytes, data: mmap.mmap) -> bytes:
    """Return a deflated file as one that is not, for what reads explicit VR little endian."""
    begin = META + 12 + int.from_bytes(head[META + 8 : META + 12], "little")
    try:
        body = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[begin:])
    except zlib.error as error:
        raise _RefusedError("it cannot be inflated") from error
    uid = EXPLICIT_VR_LITTLE_ENDIAN.encode()
    uid += b"\0" * (len(uid) % 2)
    element = b"\2\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid
    length = b"\2\0\0\0UL\4\0" + len(element).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + length + element + body


def _refuse_kinds(dataset: FileDataset, sop_class: str) -> None:
    """Refuse objects that are words, or hold documents or waveforms."""
    if not sop_class:
        raise _RefusedError("a DICOMDIR" if _DIRECTORY in dataset else "it has no SOP Class UID")
    for uid, kind in _REFUSED.items():
        if sop_class == uid or (sop_class.startswith(uid + ".") and uid != _RAW_DATA):
            raise _RefusedError(f"{kind}: what it says cannot be vouched for")
    for tag, kind in (
        (_DIRECTORY, "a DICOMDIR"),
        (_DOCUMENT, "an encapsulated document"),
        (_WAVEFORM, "a waveform"),
        (_CONTENT, "a structured report"),
    ):
        if tag in dataset:
            raise _RefusedError(f"{kind}: what it says cannot be vouched for")


def _uid(dataset: FileDataset, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip(" \0")


def _text(dataset: FileDataset, keyword: str) -> str:
    try:
        return str(dataset.get(keyword, "") or "")
    except Exception:
        return ""
