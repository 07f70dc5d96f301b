"""Values of a header that no pixel depends on, and that an audit counts.

They are taken from the bytes before the pixels, by the compiled walk over the top level: so the
index, which every reader of pixels pays for, need not keep them.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

from fastpix._top_level import top_level
from fastpix.header.instance import Instance
from fastpix.header.top_level import data_set_start
from fastpix.source.pydicom_types import is_multi_value
from fastpix.standard.tags import Tag

WINDOW_CENTER = 0x00281050
WINDOW_WIDTH = 0x00281051
VOI_LUT_FUNCTION = 0x00281056
VOI_LUT_SEQUENCE = 0x00283010
LOSSY = 0x00282110
LOSSY_RATIO = 0x00282112
INTENSITY_SIGN = int(Tag.PixelIntensityRelationshipSign)
INTENSITY_RELATIONSHIP = int(Tag.PixelIntensityRelationship)
BODY_PART = 0x00180015
LUT_SHAPE = int(Tag.PresentationLUTShape)
SLOPE = int(Tag.RescaleSlope)
INTERCEPT = int(Tag.RescaleIntercept)

_WANTED = frozenset(
    {
        int(Tag.SOPClassUID), int(Tag.SOPInstanceUID), int(Tag.Modality), int(Tag.Manufacturer),
        int(Tag.ManufacturerModelName), int(Tag.PresentationIntentType), int(Tag.SoftwareVersions),
        int(Tag.PatientID), int(Tag.IssuerOfPatientID), int(Tag.StudyInstanceUID),
        int(Tag.SeriesInstanceUID), int(Tag.PhotometricInterpretation), int(Tag.PixelSpacing),
        int(Tag.ImagerPixelSpacing), int(Tag.NominalScannedPixelSpacing), int(Tag.SliceThickness),
        int(Tag.BurnedInAnnotation), WINDOW_CENTER, WINDOW_WIDTH, VOI_LUT_FUNCTION,
        VOI_LUT_SEQUENCE, LOSSY, LOSSY_RATIO, INTENSITY_SIGN, INTENSITY_RELATIONSHIP, LUT_SHAPE,
        BODY_PART,
    }
)  # fmt: skip
_OWN = frozenset(
    map(
        int,
        (
            Tag.SOPInstanceUID, Tag.PatientID, Tag.IssuerOfPatientID, Tag.StudyInstanceUID,
            Tag.SeriesInstanceUID,
        ),
    )
)  # fmt: skip
SHARED = tuple(sorted(_WANTED - _OWN))
"""Tags whose values many files have alike."""

_LONGEST = 4096  # bytes of a value that is looked at


class ExtraValues(NamedTuple):
    """Values at the top level of a data set, by tag.

    Attributes
    ----------
    values : dict of int to bytes
        Little endian; text as it stands. Of a sequence: its presence alone.
    has_preamble : bool
    """

    values: dict[int, bytes]
    has_preamble: bool

    def text(self, tag: int) -> str:
        """Return text without padding; several values stay parted by backslashes."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0\t\r\n")

    def numbers(self, tag: int) -> list[float] | None:
        """Return decimals; None where one is no number."""
        text = self.text(tag)
        if not text:
            return []
        try:
            found = [float(part.replace("_", "?")) for part in text.split("\\")]
        except ValueError:
            return None
        return found if all(map(math.isfinite, found)) else None


def extra_values(instance: Instance) -> ExtraValues:
    """Return what an audit reads of a header beside its pixel attributes.

    Parameters
    ----------
    instance : Instance
    """
    index = instance.index
    if index is None:
        return _of_dataset(instance.dataset)
    stream = instance.before_pixels()
    assert stream is not None
    has_preamble = stream[128:132] == b"DICM"
    start = data_set_start(stream)
    big = not index.is_little_endian
    found, _ = top_level(stream, start, index.implicit, big, _WANTED)
    # Of an element that occurs twice, the first counts.
    values = {tag: stream[at:end] for tag, _, at, end in reversed(found)}
    if big and INTENSITY_SIGN in values:  # the only number that is not text
        values[INTENSITY_SIGN] = values[INTENSITY_SIGN][::-1]
    return ExtraValues(values, has_preamble or index.inflated is not None)


def _of_dataset(dataset: Any) -> ExtraValues:
    values = {}
    for tag in _WANTED:
        if tag not in dataset:
            continue
        try:
            raw = dataset.get_item(tag).value
        except Exception:  # a conversion inside pydicom: the value says nothing
            continue
        values[tag] = _bytes_of(raw)
    return ExtraValues(values, bool(getattr(dataset, "preamble", None)))


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value[:_LONGEST]
    if value is None:
        return b""
    if isinstance(value, int) and not isinstance(value, bool):
        return struct.pack("<q", value)[:2] if -(2**15) <= value < 2**15 else b""
    if is_multi_value(value):
        value = "\\".join(map(str, value))
    return str(value).encode("latin-1", "replace")[:_LONGEST]
