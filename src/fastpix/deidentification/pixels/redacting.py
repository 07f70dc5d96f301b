"""Regions of an instance blanked: the value of its pixel data element, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastpix.deidentification.pixels.blanking import blanked_native
from fastpix.deidentification.pixels.coded_strings import strings_of
from fastpix.deidentification.pixels.codestream_remarks import without_remarks
from fastpix.deidentification.pixels.fragments import encapsulated
from fastpix.deidentification.pixels.pictures_besides import has_overlay_in_cells
from fastpix.deidentification.pixels.reencoding import Reencoded, encoded_frames, reencoded
from fastpix.errors import ArgumentError
from fastpix.frames.codecs import all_decoders, usable_decoders
from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.plan.black import covered_regions
from fastpix.redaction import Region
from fastpix.standard.syntaxes import HIGH_THROUGHPUT, JPEG_2000, JPEG_LS, JPEG_XL

_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"
_OUTDATED = (
    "SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries", "SmallestImagePixelValueInPlane", "LargestImagePixelValueInPlane",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RedactedPixels:
    """What takes the place of the pixels of an instance.

    Attributes
    ----------
    transfer_syntax : str
        UID: the original's, or that of RLE.
    keyword : str
        Of the element: ``PixelData``, ``FloatPixelData`` or ``DoubleFloatPixelData``.
    is_encapsulated : bool
        The element has VR OB and no length then; else it has the VR of the original.
    value : bytes
        Native: in the byte order of the transfer syntax, of even length. Encapsulated: the item of
        the Basic Offset Table and those of the frames, without the delimiter behind them, as
        pydicom keeps it.
    changes : mapping of str to object
        Attributes by keyword that have another value now; None: the attribute is taken out, if it
        is there. They stand at the top of the data set.
    regions : tuple of Region
        What was blanked.
    frames : tuple of int
        In which frames.
    """

    transfer_syntax: str
    keyword: str
    is_encapsulated: bool
    value: bytes
    changes: Mapping[str, object] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    frames: tuple[int, ...] = ()


def redacted_pixels(
    instance: Instance,
    regions: Sequence[Region],
    frames: Sequence[int] | None = None,
    clear_unused_bits: bool | None = None,
    is_identifying: Callable[[bytes], bool] | None = None,
    is_hidden: Callable[[bytes], bool] | None = None,
) -> RedactedPixels:
    """Blank regions of an instance, and nothing else.

    Inside the regions, pixels become the black of the photometric interpretation, and bits that no
    value uses become 0. Outside, all cells stay what they are, bit for bit, but for the cells that
    share their chrominance with a pixel inside (native 4:2:2). What follows the last frame is left
    out.

    Parameters
    ----------
    instance : Instance
    regions : sequence of Region
        May overlap, and reach beyond the image.
    frames : sequence of int, optional
        In which frames; in all if not given.
    clear_unused_bits : bool, optional
        Whether bits that no value uses become 0 in all pixels of all frames; where an overlay is
        kept in them, if not given.
    is_identifying : callable, optional
        Told what the codestreams of frames carry besides their image, such as comments
        (`remarks_of`); whether it has to go. Nothing is taken out of codestreams if not given.
    is_hidden : callable, optional
        Told the printable bytes of codestreams without such remarks; whether a frame has to be
        encoded again. None is if not given.

    Raises
    ------
    FastpixError
        The pixels cannot be decoded, or it is not known what black is.
    """
    header = instance.header
    covered = covered_regions(header, regions)
    chosen = _checked_frames(frames, header.frames)
    if clear_unused_bits is None:
        clear_unused_bits = has_overlay_in_cells(instance.dataset)
    clear_unused_bits = clear_unused_bits and not header.is_float
    changes: dict[str, object] = dict.fromkeys(_OUTDATED) if covered else {}
    keyword = {"(7FE0,0010)": "PixelData", "(7FE0,0008)": "FloatPixelData"}.get(
        header.pixel_keyword[-11:], "DoubleFloatPixelData"
    )
    if not header.encapsulated:
        value = blanked_native(header, instance.pixels, covered, chosen, clear_unused_bits)
        return RedactedPixels(
            header.transfer_syntax, keyword, False, value, changes, covered, tuple(chosen)
        )
    if covered or clear_unused_bits:
        usable_decoders(header.transfer_syntax)
    elif header.transfer_syntax not in all_decoders():
        value = _items_of(instance)  # a video, which has no frames that could be told apart
        return RedactedPixels(header.transfer_syntax, keyword, True, value, {}, (), ())
    encoded = encoded_frames(header, instance.pixels).frames
    hiding: list[int] = []
    if is_hidden is not None:
        gone = is_identifying or (lambda _: False)
        hiding = [
            number
            for number, each in enumerate(encoded)
            if is_hidden(strings_of(without_remarks(each, header.transfer_syntax, gone)))
        ]
    if covered or clear_unused_bits or hiding:
        made = reencoded(header, encoded, covered, chosen, clear_unused_bits, hiding)
    else:
        made = Reencoded(header.transfer_syntax, encoded, header.photometric)
    kept = made.frames
    if is_identifying is not None:
        kept = [without_remarks(each, made.transfer_syntax, is_identifying) for each in kept]
    value, extended = encapsulated(kept, instance.pixels.offsets is not None)
    tables = (None, None) if extended is None else extended
    changes |= dict(zip(("ExtendedOffsetTable", "ExtendedOffsetTableLengths"), tables, strict=True))
    changes["EncapsulatedPixelDataValueTotalLength"] = None
    if made.transfer_syntax != header.transfer_syntax:
        changes |= _changes(header, made)
    if made.was_lossy:
        changes |= _lossy_changes(instance, encoded)
    return RedactedPixels(
        made.transfer_syntax, keyword, True, value, changes, covered, tuple(chosen)
    )


def _items_of(instance: Instance) -> bytes:
    """Return encapsulated pixel data as it is, but for the delimiter behind it."""
    pixels = instance.pixels
    return bytes(pixels.view(0, pixels.length)).removesuffix(_DELIMITER)


def _checked_frames(frames: Sequence[int] | None, count: int) -> Sequence[int]:
    if frames is None:
        return range(count)  # a header may promise any number: the pixels are counted first
    for frame in frames:
        if not 0 <= frame < count:
            raise ArgumentError("frames", f"{frame} is not one of 0 to {count - 1}")
    return tuple(sorted(set(frames)))


def _changes(header: Header, made: Reencoded) -> dict[str, object]:
    """Return the attributes that RLE needs to have other values."""
    changes: dict[str, object] = {}
    if made.photometric != header.photometric:
        changes["PhotometricInterpretation"] = made.photometric
    if header.samples > 1:
        changes["PlanarConfiguration"] = 1  # the segments of RLE hold a sample each
    if header.high_bit != header.bits_stored - 1:  # samples of a codec are right-aligned
        changes["HighBit"] = header.bits_stored - 1
    return changes


def _lossy_changes(instance: Instance, encoded: Sequence[bytes | memoryview]) -> dict[str, object]:
    """Return what tells that the image had a loss, where the original does not say so itself."""
    header, dataset = instance.header, instance.dataset
    changes: dict[str, object] = {}
    if dataset.get("LossyImageCompression") != "01":
        changes["LossyImageCompression"] = "01"
    if not dataset.get("LossyImageCompressionMethod") and not dataset.get(
        "LossyImageCompressionRatio"
    ):
        cells = header.frames * header.rows * header.columns * header.samples
        ratio = cells * header.bits_allocated / 8 / max(sum(map(len, encoded)), 1)
        changes["LossyImageCompressionMethod"] = _method(header.transfer_syntax)
        changes["LossyImageCompressionRatio"] = f"{ratio:.4g}"
    return changes


def _method(syntax: str) -> str:
    """Return the defined term of a lossy compression (PS3.3 C.7.6.1.1.5.1)."""
    for syntaxes, term in (
        (HIGH_THROUGHPUT, "ISO_15444_15"),
        (JPEG_2000, "ISO_15444_1"),
        (JPEG_LS, "ISO_14495_1"),
        (JPEG_XL, "ISO_18181_1"),
    ):
        if syntax in syntaxes:
            return term
    return "ISO_10918_1"
