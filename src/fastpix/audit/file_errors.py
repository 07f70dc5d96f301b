"""An error of reading to the finding that it is, and to what the file is in place of an image."""

from __future__ import annotations

import os

from fastpix.errors import (
    DecodeError,
    FastpixError,
    InexactError,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    PixelHeaderError,
    UnsupportedTransferSyntaxError,
    is_no_image,
)
from fastpix.header.instance import Instance
from fastpix.job.item_making import place_of
from fastpix.standard.syntaxes import syntax_name

_PARTIAL = (".crdownload", ".part", ".partial", ".tmp", ".download", ".filepart")
_AZURE = ".azDownload-"
_STATES = ("Presentation State",)
_REPORTS = ("SR Storage", "Key Object", "Report", "Encapsulated", "Document", "Procedure Log")
_SIZES = ("Rows", "Columns")
_CUT_OFF = ("cut off", "ends before its end mark")  # words of errors


def name_findings(relative: str) -> list[str]:
    """Return the findings that the name of a file tells.

    Parameters
    ----------
    relative : str
        Its path; nothing of it is kept.
    """
    name = os.path.basename(relative)
    found = []
    if name.startswith("."):
        found.append("FILE_HIDDEN")
    if _AZURE in name or name.lower().endswith(_PARTIAL):
        found.append("FILE_PARTIAL_DOWNLOAD")
    return found


def finding_of(error: Exception) -> tuple[str, str]:
    """Return the id of an error, and its text without any text of the file.

    Parameters
    ----------
    error : Exception
    """
    if isinstance(error, FastpixError):
        return _id_of(error), error.storable
    if isinstance(error, OSError):  # the words of the system name no file
        return "FILE_UNREADABLE", error.strerror or type(error).__name__
    if isinstance(error, MemoryError):
        return "FILE_CRASHES", "there is not enough memory for this image"
    return "FILE_CRASHES", f"unexpected, at {place_of(error)}"  # ours to mend; the audit goes on


def _id_of(error: FastpixError) -> str:
    if isinstance(error, NotDicomError):
        return "FILE_NOT_DICOM"
    if isinstance(error, NoPixelDataError):
        return "FILE_PIXELS_REMOVED" if error.describes_image else _object(error.sop_class)
    if isinstance(error, InexactError):
        return "PIX_BEYOND_FLOAT32"
    if isinstance(error, UnsupportedTransferSyntaxError):
        is_known = bool(syntax_name(error.transfer_syntax))
        return "FILE_DECODER_MISSING" if is_known else "HDR_TRANSFER_SYNTAX_WRONG"
    if isinstance(error, DecodeError):
        return "PIX_DECODE_FAILED"
    if isinstance(error, PixelDataError):
        expected, found = error.expected, error.found
        is_short = expected is not None and found is not None and found < expected
        is_cut = is_short or any(words in error.storable for words in _CUT_OFF)
        return "FILE_CUT_OFF" if is_cut else "PIX_DATA_WRONG"
    if isinstance(error, PixelHeaderError):
        return _header(error)
    return "HDR_UNUSABLE"


def _header(error: PixelHeaderError) -> str:
    if error.keyword in _SIZES:
        return "HDR_SIZE_UNUSABLE"
    if error.keyword == "BitsAllocated":
        return "HDR_BITS_ALLOCATED_UNUSABLE"
    if error.keyword == "TransferSyntaxUID":
        return "HDR_TRANSFER_SYNTAX_WRONG"
    return "FILE_DAMAGED" if error.tag is None else "HDR_UNUSABLE"


def _object(sop_class: str) -> str:
    if any(word in sop_class for word in _STATES):
        return "FILE_PRESENTATION_STATE"
    if any(word in sop_class for word in _REPORTS):
        return "FILE_REPORT"
    return "FILE_DIRECTORY" if "Directory" in sop_class else "FILE_OTHER_OBJECT"


def is_failure(error: Exception) -> bool:
    """Whether a file should be an image and cannot be read.

    Parameters
    ----------
    error : Exception
    """
    return not is_no_image(error)


def kind_of(error: Exception) -> str:
    """Return what a file is that is no image: its SOP Class by name.

    Parameters
    ----------
    error : Exception
    """
    if isinstance(error, NoPixelDataError):
        return error.sop_class or "DICOM without pixels"
    return "not DICOM"


def missing_bytes(instance: Instance) -> str:
    """Return that native pixels are cut off, in words; empty where they are not.

    Parameters
    ----------
    instance : Instance
    """
    header, pixels = instance.header, instance.pixels
    if header.encapsulated:
        return ""
    samples = 2 if header.photometric == "YBR_FULL_422" else header.samples
    bits = header.frames * header.rows * header.columns * samples * header.bits_allocated
    found = min(header.pixel_bytes, pixels.stored.size - pixels.start)
    return "there are fewer bytes of pixels than the frames need" if found * 8 < bits else ""
