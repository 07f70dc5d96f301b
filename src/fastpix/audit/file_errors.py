"""An error of reading to the finding that it is, and to what the file is in place of an image."""

from __future__ import annotations

import os

from fastpix.errors import (
    DecodeError,
    FastpixError,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    PixelHeaderError,
    UnsupportedTransferSyntaxError,
    is_no_image,
)
from fastpix.header.instance import Instance

_PARTIAL = (".crdownload", ".part", ".partial", ".tmp", ".download", ".filepart")
_AZURE = ".azDownload-"
_STATES = ("Presentation State",)
_REPORTS = ("SR Storage", "Key Object", "Report", "Encapsulated", "Document", "Procedure Log")
_SIZES = ("Rows", "Columns")


def file_findings(relative: str, size: int) -> list[str]:
    """Return the findings that the name and the size of a file tell.

    Parameters
    ----------
    relative : str
        Its path; nothing of it is kept.
    size : int
    """
    name = os.path.basename(relative)
    found = []
    if name.startswith("."):
        found.append("FILE_HIDDEN")
    if _AZURE in name or name.lower().endswith(_PARTIAL):
        found.append("FILE_PARTIAL_DOWNLOAD")
    elif not size:
        found.append("FILE_EMPTY")
    return found


def finding_of(error: Exception) -> tuple[str, str]:
    """Return the id of an error, and its text without any text of the file.

    Parameters
    ----------
    error : FastpixError or OSError
    """
    if not isinstance(error, FastpixError):
        return "FILE_UNREADABLE", type(error).__name__
    return _id_of(error), error.storable


def _id_of(error: FastpixError) -> str:
    if isinstance(error, NotDicomError):
        return "FILE_NOT_DICOM"
    if isinstance(error, NoPixelDataError):
        return "FILE_PIXELS_REMOVED" if error.describes_image else _object(error.sop_class)
    if isinstance(error, UnsupportedTransferSyntaxError):
        return "FILE_DECODER_MISSING"
    if isinstance(error, DecodeError):
        return "PIX_DECODE_FAILED"
    if isinstance(error, PixelDataError):
        expected, found = error.expected, error.found
        is_short = expected is not None and found is not None and found < expected
        return "FILE_CUT_OFF" if is_short or "cut off" in error.storable else "PIX_DATA_WRONG"
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
