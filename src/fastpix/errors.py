"""The exceptions and warnings of fastpix: one tree, and each message says what to do next.

Each error has its facts as attributes, and can be pickled. `str(error)` may quote the file.
`error.storable` never does, so it can be kept in a place that must be free of patient data.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

SourceName: TypeAlias = "str | os.PathLike[str]"

_HERE = os.path.dirname(__file__) + os.sep
_kept: ContextVar[list[str] | None] = ContextVar("kept", default=None)


class HeaderWarning(UserWarning):
    """A header is wrong, but has one sensible reading; the notes of the Plan say the same.

    Attributes
    ----------
    source : str, path or None
        What was read, if `imread_many` read it: its text names it too.
    """

    source: SourceName | None = None


class DecoderWarning(UserWarning):
    """Some files of a job cannot be decoded here; the text says how many, and what to install."""


class FastpixError(ValueError):
    """Base of all errors of fastpix.

    Attributes
    ----------
    storable : str
        The message, without any text taken from the file.
    source : str, path or None
        What was read: a path as it was given, else what it is, in words. A note of the error, which
        a traceback shows, has it too; `storable` does not. None if the error is not about a source.
    """

    storable: str
    source: SourceName | None = None

    def __init__(self, message: str, storable: str | None = None) -> None:
        super().__init__(message)
        self.storable = message if storable is None else storable

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, dict(self.__dict__))


def _revive(kind: type[FastpixError], args: tuple[Any, ...], facts: dict[str, Any]) -> FastpixError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class ArgumentError(FastpixError):
    """An argument of the call cannot be used: a Recipe, `frames`, `out`, a kernel's name.

    Attributes
    ----------
    argument : str
        Its name.
    """

    def __init__(self, argument: str, reason: str, storable: str = "") -> None:
        words = storable or f"{argument} cannot be used with this image"
        super().__init__(f"{argument}: {reason}", words)
        self.argument = argument


class NotDicomError(FastpixError):
    """The bytes are not a DICOM file.

    Attributes
    ----------
    reason : str
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a DICOM file: {reason}; leave it out, or check how it was fetched")
        self.reason = reason


class NoPixelDataError(FastpixError):
    """The file is DICOM, but holds no image: a report, a structure set, a directory.

    Attributes
    ----------
    sop_class : str
        The SOP Class by name, where the file gives one that is known.
    describes_image : bool
        The data set has the attributes of an image, but no pixels: the file may be cut off.
    """

    def __init__(self, sop_class: str = "", describes_image: bool = False) -> None:
        what = f" (its SOP Class is {sop_class})" if sop_class else ""
        remedy = "leave it out of image jobs"
        if describes_image:
            remedy = (
                "its header describes an image, so the file is cut off, or its pixels were taken "
                "out; fetch it again, or leave it out of image jobs"
            )
        super().__init__(
            f"no Pixel Data (7FE0,0010), Float Pixel Data (7FE0,0008) or Double Float Pixel Data "
            f"(7FE0,0009) in this data set{what}: {remedy}"
        )
        self.sop_class = sop_class
        self.describes_image = describes_image


def is_no_image(error: Exception | None) -> bool:
    """Whether an error says of a file that nobody takes it for an image."""
    if isinstance(error, NoPixelDataError):
        return not error.describes_image
    return isinstance(error, NotDicomError)


class PixelHeaderError(FastpixError):
    """An attribute that decides about pixels is missing or impossible.

    Attributes
    ----------
    tag : int or None
        The attribute's tag, as ``0xggggeeee``.
    keyword : str
        Its keyword.
    value : object
        The value in the file; None if there is none.
    reason, remedy : str
    """

    def __init__(
        self, *, tag: int | None, keyword: str, value: object, reason: str, remedy: str = ""
    ) -> None:
        where = keyword if tag is None else f"{keyword} {tag_text(tag)}"
        shown = "missing" if value is None else f"{value!r}"
        if len(shown) > 80:
            shown = shown[:77] + "..."
        remedy = remedy or "correct the attribute, or leave the file out"
        absent = " is missing" if value is None else ""
        super().__init__(f"{where} is {shown}: {reason}; {remedy}", f"{where}{absent}: {reason}")
        self.tag = tag
        self.keyword = keyword
        self.value = value
        self.reason = reason
        self.remedy = remedy


class PixelDataError(FastpixError):
    """The pixel data does not fit the header, or is damaged.

    Attributes
    ----------
    expected, found : int or None
        Numbers of bytes, or of frames, fragments or bits, as `reason` says.
    reason : str
    """

    def __init__(
        self,
        *,
        expected: int | None = None,
        found: int | None = None,
        reason: str = "",
        layout: str = "",
        keyword: str = "Pixel Data (7FE0,0010)",
        remedy: str = "the file is damaged or its header wrong: fetch it again",
    ) -> None:
        if not reason:
            need = f", {expected} are needed" + (f" for {layout}" if layout else "")
            reason = f"{keyword} holds {found} bytes{need}"
        super().__init__(f"{reason}; {remedy}")
        self.expected = expected
        self.found = found
        self.reason = reason


class UnsupportedTransferSyntaxError(FastpixError):
    """No installed decoder can decode the file's transfer syntax.

    Attributes
    ----------
    transfer_syntax : str
        The UID.
    name : str
        Its name in the standard (PS3.6 annex A).
    remedy : str
        What to install, or what else to do.
    """

    def __init__(self, transfer_syntax: str, name: str, remedy: str) -> None:
        known = name and name != transfer_syntax
        super().__init__(
            f"no decoder for transfer syntax {name or 'unknown'} ({transfer_syntax}): {remedy}",
            f"no decoder for transfer syntax {name if known else 'unknown'}: {remedy}",
        )
        self.transfer_syntax = transfer_syntax
        self.name = name
        self.remedy = remedy


class DecodeError(FastpixError):
    """A frame could not be decoded: it is damaged, or of a kind that is not supported.

    Attributes
    ----------
    frame : int
        Counted from 0.
    tried : dict of str to str
        The error of each decoder that was asked, by its name and version.
    pinned : bool
        Whether one decoder was pinned, so that no other was asked.
    not_supported : str
        What the frame is, if codestreams of its kind are not supported; empty if it is damaged.
    """

    def __init__(
        self,
        *,
        frame: int,
        tried: Mapping[str, str] | None = None,
        pinned: bool = False,
        not_supported: str = "",
    ) -> None:
        self.frame = frame
        self.tried = dict(tried or {})
        self.pinned = pinned
        self.not_supported = not_supported
        said = "; ".join(f"{name}: {what}" for name, what in self.tried.items())
        said = f" ({said})" if said else ""
        by = ", ".join(self.tried) or "any decoder"
        what = f": {not_supported} is not supported" if not_supported else ""
        remedy = "the codestream is damaged: fetch the file again"
        if pinned:
            remedy = "no other was tried, since it is pinned: leave decoder= out"
        elif not_supported:
            remedy = "convert the file with its maker's software, or have it sent uncompressed"
        super().__init__(
            f"frame {frame} could not be decoded{said}{what}; {remedy}",
            f"frame {frame} could not be decoded by {by}{what}",
        )


class InexactError(FastpixError):
    """A value does not fit the output dtype exactly.

    Attributes
    ----------
    value : float
        The first value that does not fit.
    index : tuple of int
        ``(frame, row, column)``, and the sample for colour. The frame is its number in the file,
        not in the result.
    dtype : str
    """

    def __init__(self, *, value: float, index: tuple[int, ...], dtype: str) -> None:
        remedy = "use dtype='float64'"
        if dtype != "float32":
            remedy = "use dtype='float32' or 'float64', or dtype='auto' to let the header decide"
        super().__init__(
            f"the value {value!r} at {index} cannot be held by {dtype}: {remedy}",
            f"a value cannot be held by {dtype}",
        )
        self.value = value
        self.index = index
        self.dtype = dtype


class SeriesError(FastpixError):
    """Files make no volume, several, or none without being asked for.

    Attributes
    ----------
    stacks : tuple
        What there is: a row of numbers and terms for each stack, free of patient data.
    codes : tuple of str
        Why: the codes of findings, such as ``missing_slices``; empty if several stacks are left.
    """

    def __init__(
        self,
        message: str,
        stacks: Iterable[Any] = (),
        codes: Iterable[str] = (),
        storable: str | None = None,
    ) -> None:
        super().__init__(message, storable)
        self.stacks = tuple(stacks)
        self.codes = tuple(codes)


class LabelMismatchError(FastpixError):
    """A label (a segmentation, a structure set) does not lie on the voxels of a volume.

    Attributes
    ----------
    aspect : str
        What does not fit: ``frame of reference``, ``orientation``, ``spacing``, ``position``,
        ``extent``, ``time``.
    off : float or None
        By how much: the largest difference of direction cosines, a share of the spacing,
        millimetres, or voxels beyond the volume (millimetres, for contours). None where it is not a
        matter of how much.
    reason, remedy : str
    """

    def __init__(self, aspect: str, off: float | None, reason: str, remedy: str) -> None:
        super().__init__(f"the label does not fit the volume: {reason}; {remedy}")
        self.aspect = aspect
        self.off = off
        self.reason = reason
        self.remedy = remedy


def tag_text(tag: int) -> str:
    """Return a tag as the standard writes it: ``(0028,1053)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def is_ours(file_name: str) -> bool:
    """Whether the file of a code object belongs to this package."""
    return file_name.startswith(_HERE)


def add_source(error: Exception, source: SourceName | None) -> None:
    """Let an error say which source it is about; nothing changes where it says so already."""
    if source is None:
        return
    if isinstance(error, FastpixError):
        if error.source is not None:
            return
        error.source = source
    elif isinstance(error, OSError) and error.filename is not None:
        return
    note = f"The source is {source}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def warn_caller(
    text: str, kind: type[UserWarning] = HeaderWarning, source: SourceName | None = None
) -> None:
    """Issue a warning whose line is the one that called fastpix.

    Parameters
    ----------
    text : str
    kind : type
    source : str or path, optional
        What the warning is about, for callers who read many.
    """
    kept = _kept.get()
    if kept is not None and kind is HeaderWarning:
        kept.append(text)
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and is_ours(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warning = kind(text if source is None else f"{text} (source: {source})")
    if isinstance(warning, HeaderWarning):
        warning.source = source
    warnings.warn(warning, stacklevel=level)


@contextmanager
def warnings_kept() -> Iterator[list[str]]:
    """Keep the texts of header warnings, which another thread will issue in its own name."""
    texts: list[str] = []
    token = _kept.set(texts)
    try:
        yield texts
    finally:
        _kept.reset(token)
