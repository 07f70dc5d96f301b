"""An instance to an audited copy, or the reason why there is none."""

from __future__ import annotations

import contextlib
import os
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from fastpix.deidentification.copy_audit import audit_copy
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copy_rules import Violation
from fastpix.deidentification.corrections.declarations import declare, file_meta
from fastpix.deidentification.corrections.identifying_texts import clear
from fastpix.deidentification.corrections.required_values import repair
from fastpix.deidentification.engine import run_engine
from fastpix.deidentification.expected_copy import Expected
from fastpix.deidentification.identifiers import Harvest, Identifiers
from fastpix.deidentification.original_file import bytes_of, read_original
from fastpix.deidentification.original_levels import TooDeepError, restore, take_levels
from fastpix.deidentification.pixel_audit import check_image
from fastpix.deidentification.pixels.coded_strings import strings_of
from fastpix.deidentification.pixels.pixel_plan import PixelPlan, new_pixels, pixel_plan
from fastpix.deidentification.pixels.redacting import RedactedPixels
from fastpix.deidentification.refused import RefusedError
from fastpix.deidentification.writing import PixelElement, element_of, write_copy
from fastpix.image.limits import MAX_BYTES
from fastpix.pseudonyms import Names
from fastpix.redaction import Region
from fastpix.source.opening import read_source
from fastpix.source.stored import File, Memory
from fastpix.standard.required_attributes import level_of
from fastpix.standard.uids import IMAGE_STORAGE

if TYPE_CHECKING:
    import mmap

    from pydicom.dataset import FileDataset

# Objects that are words, or hold documents, of which nothing can be vouched for here.
_REFUSED = {
    "1.2.840.10008.1.3.10": "a DICOMDIR",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.9": "a waveform",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
}
_RAW_DATA = "1.2.840.10008.5.1.4.1.1.66"
_OVERLAP = 256  # bytes of a chunk of pixels that are searched with the next one
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
    max_bytes: int = MAX_BYTES,
) -> CopyRecord:
    """Write a de-identified copy of an instance, and audit what was written.

    Parameters
    ----------
    source : path, or a location of a scan
        Such as ``archive.zip!/member``.
    target : path
        Of a file that is not there yet; it is there afterwards only if nothing is wrong with it.
    settings : Deidentification
    names : Names
        Of the user's key.
    max_bytes : int
        What the image may decode to.

    Returns
    -------
    CopyRecord

    Raises
    ------
    FastpixError, OSError
        The source cannot be read, or the target not be written.
    ImportError
        The header engine is not installed, or the detector of text.
    """
    with bytes_of(source) as data, warnings.catch_warnings():
        if not len(data):
            return CopyRecord("an empty file")
        warnings.simplefilter("ignore")  # of pydicom, on values that a copy does not have
        stored = Memory(data) if isinstance(data, bytes) else read_source(source)
        try:
            return _copy(data, stored, target, settings, names, max_bytes)
        except RefusedError as refused:
            return CopyRecord(str(refused))
        except (TooDeepError, RecursionError):
            return CopyRecord("sequences nested deeper than any IOD nests them")
        finally:
            if isinstance(stored, File):
                stored.close()


def verify_copy(path: str | os.PathLike[str], settings: Deidentification) -> tuple[Violation, ...]:
    """Return what is wrong with a copy, as far as that shows without the original.

    Parameters
    ----------
    path : path
    settings : Deidentification
        What the copy was made by.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(audit_copy(path, settings, None))


def _copy(
    data: bytes | mmap.mmap,
    stored: Any,
    target: str | os.PathLike[str],
    settings: Deidentification,
    names: Names,
    max_bytes: int,
) -> CopyRecord:
    dataset, pixels, encoding, syntax = read_original(data, max_bytes)
    sop_class = _uid(dataset, "SOPClassUID")
    _refuse_kinds(dataset, sop_class)
    if not _uid(dataset, "SOPInstanceUID"):
        raise RefusedError("it has no SOP Instance UID")
    required = level_of(sop_class)
    if required is None and not settings.any_sop:
        raise RefusedError(
            "its SOP class is unknown, so what its IOD demands is too: any_sop (--any-sop) takes it"
        )
    plan = PixelPlan()
    if pixels is None and sop_class in IMAGE_STORAGE:
        raise RefusedError("its pixels are missing: it is cut off")
    if pixels is not None:
        plan = pixel_plan(dataset, stored, settings, max_bytes)
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
    if pixels is not None and plan.instance is None:
        _refuse_hidden(pixels, identifiers)
    made = new_pixels(plan, identifiers)
    try:
        run_engine(dataset, settings, pseudonyms)
    except ImportError:
        raise
    except Exception as error:
        raise RefusedError(f"the header engine failed: {type(error).__name__}") from error
    repair(levels, options, pseudonyms.uid)
    cleared = clear(levels, identifiers, pseudonyms.uid)
    restore(levels)
    declare(dataset, settings, pseudonyms.patient, plan.is_decided)
    if made is not None:
        assert pixels is not None
        _change(dataset, made)
        syntax = made.transfer_syntax
        vr = bytes(pixels.data[pixels.start + 4 : pixels.start + 6])
        pixels = element_of(made.keyword, vr, made.value, made.is_encapsulated, encoding)
    meta = file_meta(sop_class, _uid(dataset, "SOPInstanceUID"), syntax)
    try:
        write_copy(target, meta, dataset, pixels, encoding)
        expected = Expected(
            levels, identifiers, pseudonyms.uid, pseudonyms.days, pseudonyms.patient, pixels,
            plan.is_decided, plan.instance is not None,
        )  # fmt: skip
        violations = audit_copy(target, settings, expected)
        if plan.instance is not None and not violations:
            violations = check_image(
                target, plan.instance, plan.regions, max_bytes, identifiers,
                has_same_bytes=made is None, is_cleared=plan.has_overlay,
            )  # fmt: skip
    except FileExistsError:
        raise
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(target)
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise RefusedError(f"the copy cannot be written: {type(error).__name__}") from error
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
        plan.waits,
        plan.regions,
        plan.detected,
    )


def _refuse_hidden(pixels: PixelElement, identifiers: Identifiers) -> None:
    """Refuse pixels of which nobody knows where the image is, and that have an identifier."""
    before = b""
    for chunk in pixels.chunks():
        if identifiers.in_raw(strings_of(before + chunk)):
            raise RefusedError("its pixels cannot be read, and something in them identifies")
        before = chunk[-_OVERLAP:]


def _change(dataset: FileDataset, made: RedactedPixels) -> None:
    """Write what new pixels need to be read."""
    for keyword, value in made.changes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)


def _refuse_kinds(dataset: FileDataset, sop_class: str) -> None:
    """Refuse objects that are words, or hold documents or waveforms."""
    if not sop_class:
        raise RefusedError("a DICOMDIR" if _DIRECTORY in dataset else "it has no SOP Class UID")
    for uid, kind in _REFUSED.items():
        if sop_class == uid or (sop_class.startswith(uid + ".") and uid != _RAW_DATA):
            raise RefusedError(f"{kind}: what it says cannot be vouched for")
    for tag, kind in (
        (_DIRECTORY, "a DICOMDIR"),
        (_DOCUMENT, "an encapsulated document"),
        (_WAVEFORM, "a waveform"),
        (_CONTENT, "a structured report"),
    ):
        if tag in dataset:
            raise RefusedError(f"{kind}: what it says cannot be vouched for")


def _uid(dataset: FileDataset, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip(" \0")


def _text(dataset: FileDataset, keyword: str) -> str:
    try:
        return str(dataset.get(keyword, "") or "")
    except Exception:
        return ""
