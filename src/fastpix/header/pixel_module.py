"""The attributes of the Image Pixel module, each by its rule (PS3.3 C.7.6.3; docs/headers.md)."""

from __future__ import annotations

from fastpix.header.attributes import Attributes, header_error, name_of
from fastpix.standard.tags import Tag

FLOAT_BITS = {Tag.FloatPixelData: 32, Tag.DoubleFloatPixelData: 64}
MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})

_LARGEST_IS = 2**31 - 1


def read_dimension(attributes: Attributes, tag: Tag) -> int:
    """Read Rows or Columns: required, more than 0."""
    value = attributes.integer(tag)
    if value is None or value <= 0:
        raise header_error(tag, value, "an image has at least one")
    return value


def read_frames(attributes: Attributes) -> int:
    """Read Number of Frames; missing, empty or 0 is 1."""
    value = attributes.integer(Tag.NumberOfFrames)
    if value is not None and value < 0:
        raise header_error(Tag.NumberOfFrames, value, "a number of frames is not negative")
    if value is not None and value > _LARGEST_IS:
        raise header_error(Tag.NumberOfFrames, value, "larger than an IS can be (PS3.5 6.2)")
    return value or 1


def read_samples(attributes: Attributes) -> int:
    """Read Samples per Pixel: 1 or 3."""
    value = attributes.integer(Tag.SamplesPerPixel)
    if value is None:
        attributes.remark(
            "SamplesPerPixel (0028,0002) is missing: read as 1", code="HDR_SAMPLES_MISSING"
        )
        return 1
    if value not in (1, 3):
        raise header_error(Tag.SamplesPerPixel, value, "pixels have 1 or 3 samples")
    return value


def read_photometric(attributes: Attributes, samples: int) -> str:
    """Read Photometric Interpretation, upper case, and check it against the samples."""
    text = attributes.text(Tag.PhotometricInterpretation)
    if text is None:
        text = "MONOCHROME2" if samples == 1 else "RGB"
        attributes.remark(
            f"PhotometricInterpretation (0028,0004) is missing: read as {text}",
            code="HDR_PHOTOMETRIC_MISSING",
        )
    text = text.upper()
    single = text in MONOCHROME or text == "PALETTE COLOR"
    if single and samples != 1:
        raise header_error(Tag.PhotometricInterpretation, text, f"it has 1 sample, not {samples}")
    if text.startswith(("RGB", "YBR_")) and samples != 3:
        raise header_error(Tag.PhotometricInterpretation, text, f"it has 3 samples, not {samples}")
    return text


def read_planar(attributes: Attributes, samples: int) -> bool:
    """Read whether samples come plane by plane."""
    if samples == 1:
        return False
    value = attributes.integer(Tag.PlanarConfiguration)
    if value is None:
        attributes.remark(
            "PlanarConfiguration (0028,0006) is missing: read as 0, samples interleaved",
            code="HDR_PLANAR_MISSING",
        )
        return False
    if value not in (0, 1):
        raise header_error(Tag.PlanarConfiguration, value, "it is 0 or 1")
    return value == 1


def read_bits_allocated(attributes: Attributes, tag: Tag, samples: int) -> int:
    """Read Bits Allocated: 1, 8, 16 or 32; 32 or 64 for float data."""
    value = attributes.integer(Tag.BitsAllocated)
    if tag in FLOAT_BITS:
        if value != FLOAT_BITS[tag]:
            raise header_error(
                Tag.BitsAllocated, value, f"{tag.name} has {FLOAT_BITS[tag]} bits a value"
            )
        if samples != 1:
            raise header_error(Tag.SamplesPerPixel, samples, f"{tag.name} has 1 sample a pixel")
        return value
    if value == 64:
        raise header_error(
            Tag.BitsAllocated, value, "float64 cannot hold integers of 64 bits",
            "read the Pixel Data with numpy.frombuffer",
        )  # fmt: skip
    if value not in (1, 8, 16, 32):
        raise header_error(Tag.BitsAllocated, value, "cells have 1, 8, 16 or 32 bits")
    if value == 1 and samples != 1:
        raise header_error(Tag.BitsAllocated, value, "colour samples have 8 bits or more")
    return value


def read_bits(attributes: Attributes, allocated: int) -> tuple[int, int]:
    """Read Bits Stored and High Bit."""
    stored = attributes.integer(Tag.BitsStored)
    if not stored:
        what = "missing" if stored is None else "0"
        stored = allocated
        attributes.remark(
            f"BitsStored (0028,0101) is {what}: read as BitsAllocated, {allocated}",
            code="HDR_BITS_STORED_MISSING",
        )
    if not 0 < stored <= allocated:
        raise header_error(Tag.BitsStored, stored, f"it lies in 1..{allocated}, BitsAllocated")
    high = attributes.integer(Tag.HighBit)
    if high is None:
        high = stored - 1
        attributes.remark(
            f"HighBit (0028,0102) is missing: read as BitsStored - 1, {high}",
            code="HDR_HIGH_BIT_MISSING",
        )
    elif not stored - 1 <= high <= allocated - 1:
        attributes.remark(
            f"HighBit (0028,0102) is {high}, impossible: read as BitsStored - 1, {stored - 1}",
            code="HDR_HIGH_BIT_IMPOSSIBLE",
        )
        high = stored - 1
    return stored, high


def read_signed(attributes: Attributes) -> bool:
    """Read Pixel Representation."""
    value = attributes.integer(Tag.PixelRepresentation)
    if value is None:
        attributes.remark(
            "PixelRepresentation (0028,0103) is missing: read as 0, unsigned",
            code="HDR_PIXEL_REPRESENTATION_MISSING",
        )
        return False
    if value not in (0, 1):
        raise header_error(Tag.PixelRepresentation, value, "it is 0 or 1")
    return value == 1


def read_padding(attributes: Attributes, tag: Tag, signed: bool) -> tuple[float, float] | None:
    """Read Pixel Padding Value and Range Limit, in ascending order."""
    value_tag, limit_tag = {
        Tag.PixelData: (Tag.PixelPaddingValue, Tag.PixelPaddingRangeLimit),
        Tag.FloatPixelData: (Tag.FloatPixelPaddingValue, Tag.FloatPixelPaddingRangeLimit),
        Tag.DoubleFloatPixelData: (
            Tag.DoubleFloatPixelPaddingValue,
            Tag.DoubleFloatPixelPaddingRangeLimit,
        ),
    }[tag]
    value = attributes.number(value_tag)
    if value is None:
        if attributes.numbers(limit_tag):
            attributes.remark(
                f"{name_of(limit_tag)} is present without {name_of(value_tag)}: "
                f"no pixel is read as padding",
                code="HDR_PADDING_LIMIT_ALONE",
            )
        return None
    limit = attributes.number(limit_tag)
    ends = [value, value if limit is None else limit]
    if tag is Tag.PixelData:
        ends = [_with_sign(end, signed) for end in ends]
    return min(ends), max(ends)


def _with_sign(value: float, signed: bool) -> float:
    """Return a 16-bit padding value with the sign that Pixel Representation gives it."""
    if signed and 0x8000 <= value <= 0xFFFF:
        return value - 0x10000
    if not signed and -0x8000 <= value < 0:
        return value + 0x10000
    return value
