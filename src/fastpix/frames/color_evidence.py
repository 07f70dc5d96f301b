"""The colours of a compressed frame: what its codestream proves, held against the header."""

from __future__ import annotations

from typing import NamedTuple

from fastpix.errors import PixelHeaderError
from fastpix.frames.codestreams import DCT_CODINGS, Codestream
from fastpix.header.header import Header
from fastpix.notes import Note
from fastpix.standard.tags import Tag

_KNOWN = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "XYB"})
_AS_STORED = "or read the samples as they are with Image.stored()"


class FrameColors(NamedTuple):
    """What the three samples of a frame are.

    Attributes
    ----------
    ybr : bool or None
        YCbCr, or RGB; None: what the Plan takes them for.
    error : PixelHeaderError or None
        Why they cannot be converted to RGB, for those who ask for that.
    notes : tuple of Note
    error_of_range : PixelHeaderError or None
        Why they cannot be brought to 8 bits, for those who ask for that.
    """

    ybr: bool | None = None
    error: PixelHeaderError | None = None
    notes: tuple[Note, ...] = ()
    error_of_range: PixelHeaderError | None = None


AS_PLANNED = FrameColors()


def colors_of(stream: Codestream | None, header: Header) -> FrameColors:
    """Settle the colours of one frame by the evidence in its codestream.

    DCT-coded JPEG is what its markers prove, since encoders choose its colours by themselves; the
    header decides where markers prove nothing, or both. In other JPEG data, and in JPEG 2000, the
    header decides.

    Parameters
    ----------
    stream : Codestream or None
        None where the codestream says nothing of colours.
    header : Header
    """
    if stream is None:
        return AS_PLANNED
    if header.palette is not None:
        return _of_indices(stream)
    if stream.samples != 3 or header.photometric not in _KNOWN:
        return AS_PLANNED
    found = _of_samples(stream, header)
    if stream.precision >= header.bits_stored:
        return found
    return found._replace(error_of_range=_error_of_range(header, stream.precision))


def _of_samples(stream: Codestream, header: Header) -> FrameColors:
    photometric = header.photometric
    if stream.coding == "JPEG 2000":
        return _of_jpeg_2000(stream, photometric)
    in_ybr = photometric.startswith("YBR")
    if stream.coding not in DCT_CODINGS:
        return _of_lossless(stream, photometric, in_ybr)
    if (in_ybr or (stream.ybr and not stream.rgb)) and stream.precision != header.bits_stored:
        return FrameColors(None, _error_of_depth(header, stream.precision))
    if stream.ybr and stream.rgb:
        return _odd(f"{_says(photometric)}, and the JPEG data has both {stream.ybr} (YCbCr) and "
                    f"{stream.rgb} (RGB): read as the header says")  # fmt: skip
    if stream.ybr and not in_ybr:
        if header.signed:
            return FrameColors(True, _error(header, f"{_has(stream.ybr)}, so its samples are "
                                            "YCbCr, and those are unsigned"))  # fmt: skip
        return _odd(f"{_says(photometric)}, but {_has(stream.ybr)}, so its samples are YCbCr: "
                    "converted to RGB", True)  # fmt: skip
    if stream.rgb and in_ybr:
        return FrameColors(False, _error(header, f"{_has(stream.rgb)}, so its samples are RGB",
                                         "correct the attribute to RGB"))  # fmt: skip
    return AS_PLANNED


def _of_indices(stream: Codestream) -> FrameColors:
    if not stream.lossy:
        return AS_PLANNED
    return _odd("PhotometricInterpretation (0028,0004) is PALETTE COLOR, but the codestream is "
                "lossy: indices are approximate, and their colours may be any")  # fmt: skip


def _of_jpeg_2000(stream: Codestream, photometric: str) -> FrameColors:
    """Say where the header contradicts the codestream's own transform, which is undone anyway."""
    own = photometric in ("YBR_RCT", "YBR_ICT")
    if own and stream.transformed is False:
        return _odd(f"{_says(photometric)}, but the codestream has no such transform: its samples "
                    "are read as RGB")  # fmt: skip
    if photometric.startswith("YBR") and not own and stream.transformed:
        return _odd(f"{_says(photometric)}, behind the codestream's own transform: both are undone")
    return AS_PLANNED


def _of_lossless(stream: Codestream, photometric: str, in_ybr: bool) -> FrameColors:
    """Settle lossless JPEG and JPEG-LS: the header says what their samples are."""
    if stream.coding == "JPEG XL":
        return AS_PLANNED
    if photometric == "YBR_FULL_422" and stream.full:
        error = PixelHeaderError(
            tag=Tag.PhotometricInterpretation,
            keyword="PhotometricInterpretation",
            value=photometric,
            reason=f"the {_kind(stream)} data has all samples of every pixel, so nothing tells "
            "whether they are RGB or YBR_FULL",
            remedy=f"correct the attribute to what they are, {_AS_STORED}",
        )
        return FrameColors(None, error)
    against = stream.rgb if in_ybr else stream.ybr
    if not against:
        return AS_PLANNED
    return _odd(f"{_says(photometric)}, but the {_kind(stream)} data has {against}: read as the "
                "header says")  # fmt: skip


def _kind(stream: Codestream) -> str:
    return "JPEG-LS" if stream.coding == "JPEG-LS" else "lossless JPEG"


def _says(photometric: str) -> str:
    return f"PhotometricInterpretation (0028,0004) is {photometric}"


def _has(evidence: str) -> str:
    return f"the JPEG data has {evidence}"


def _odd(text: str, ybr: bool | None = None) -> FrameColors:
    return FrameColors(ybr, None, (Note(text, oddity=True, code="PIX_COLORS_CONTRADICT"),))


def _error(header: Header, reason: str, remedy: str = "correct the attributes") -> PixelHeaderError:
    return PixelHeaderError(
        tag=Tag.PhotometricInterpretation,
        keyword="PhotometricInterpretation",
        value=header.photometric,
        reason=reason,
        remedy=f"{remedy}, {_AS_STORED}",
    )


def _error_of_range(header: Header, precision: int) -> PixelHeaderError:
    """Return why a range cannot be told: by one of the two depths, the colours are too dark."""
    return PixelHeaderError(
        tag=Tag.BitsStored,
        keyword="BitsStored",
        value=header.bits_stored,
        reason=f"the samples of the codestream have {precision} bits, so color_range cannot know "
        "which value is white",
        remedy=f"correct the attribute to {precision}, or read the image without color_range",
    )


def _error_of_depth(header: Header, precision: int) -> PixelHeaderError:
    """Return what is wrong with YCbCr whose middle is not that of the header's depth."""
    return PixelHeaderError(
        tag=Tag.BitsStored,
        keyword="BitsStored",
        value=header.bits_stored,
        reason=f"the YCbCr samples of the JPEG data have {precision} bits",
        remedy=f"correct the attribute, {_AS_STORED}",
    )
