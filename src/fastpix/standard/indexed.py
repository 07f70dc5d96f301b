"""The elements that the index takes out of a file: VRs, multiplicity, and what each is for (PS3.6).

The walk over a file (`src/_index.pyx`) is driven by this table alone.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from fastpix.standard.private import Private
from fastpix.standard.tags import FRAME_VECTORS, PHILIPS_CREATORS, PHILIPS_SCALE_SLOPE, Tag


class Purpose(IntEnum):
    """What an element is for. A file is left to pydicom where one of the first two is odd."""

    PIXELS = 0  # it decides about pixels
    SCALE = 1  # it does too, and differs from slice to slice of some series
    IDENTITY = 2
    GEOMETRY = 3
    GROUPING = 4


class Form(IntEnum):
    """What the walk takes of an element; `src/_index.pyx` has the same numbers."""

    WORD = 1  # a value of two bytes, or none
    TEXT = 2  # one value, in ASCII
    TEXTS = 3  # ASCII
    BINARY = 4  # any bytes
    PRESENCE = 5  # that it is there
    PIXEL_DATA = 6  # where it is
    OFFSETS = 7  # where it is
    LUT = 8  # any bytes, as many as a look-up table has
    SEQUENCE = 9  # what `Indexed.items` says of the elements of its items
    FRAMES = 10  # the same, each item being about one frame


class Place(IntEnum):
    """Where an element stands: in the data set, or in the items of a sequence."""

    DATA_SET = 0
    MODALITY_LUT = 1
    GROUPS = 2  # the functional groups of a frame, or those that all frames share
    TRANSFORMATION = 3  # Pixel Value Transformation, and other functional groups
    MEASURES = 4
    POSITION = 5
    ORIENTATION = 6
    CONTENT = 7
    FRAME_TYPE = 8
    ECHO = 9
    MODIFIER = 10
    DIFFUSION = 11
    GRADIENT = 12
    CARDIAC = 13
    TEMPORAL = 14
    RECONSTRUCTION = 15
    X_RAY = 16
    SEGMENT = 17
    DIMENSION = 18
    DETECTOR = 19


class Indexed(NamedTuple):
    """One element, or a range of elements.

    Attributes
    ----------
    first, last : int
        The first and the last tag; the same for a single element.
    vrs : tuple of str
        Those that are taken, which the dictionary allows; none: any VR.
    multiplicity : str
        How many values it has.
    purpose : Purpose
    form : Form
    mask : int
        A tag between `first` and `last` is meant if it has the bits of `first` under this mask.
        Ranges that overlap have the same mask, and other bits under it.
    place : Place
        Where it stands.
    items : Place
        For sequences: where the elements of its items stand.
    """

    first: int
    last: int
    vrs: tuple[str, ...]
    multiplicity: str
    purpose: Purpose
    form: Form
    mask: int = 0
    place: Place = Place.DATA_SET
    items: Place = Place.DATA_SET

    def __contains__(self, tag: object) -> bool:
        return (
            isinstance(tag, int)
            and self.first <= tag <= self.last
            and (tag ^ self.first) & self.mask == 0
        )


_WORDS = {"US", "SS"}
_BINARY = {"FD", "FL", "UL", "SL", "AT"}


def _one(
    tag: Tag, vrs: str, multiplicity: str, purpose: Purpose, form: Form | None = None
) -> Indexed:
    """Return the row of one element; its form is that of its VR unless another is given."""
    names = tuple(vrs.split())
    if form is None:
        if _WORDS.issuperset(names):
            form = Form.WORD
        elif _BINARY.issuperset(names):
            form = Form.BINARY
        else:
            form = Form.TEXT if multiplicity == "1" else Form.TEXTS
    return Indexed(tag, tag, names, multiplicity, purpose, form)


_PIXELS, _SCALE = Purpose.PIXELS, Purpose.SCALE
_IDENTITY, _GEOMETRY, _GROUPING = Purpose.IDENTITY, Purpose.GEOMETRY, Purpose.GROUPING
_PRESENCE, _LUT = Form.PRESENCE, Form.LUT


def _sequence(tag: Tag, items: Place, purpose: Purpose, form: Form = Form.SEQUENCE) -> Indexed:
    return _one(tag, "SQ", "1", purpose, form)._replace(items=items)


def _private(group: int, has_creators: bool = True) -> tuple[Indexed, ...]:
    """Return the rows of private elements in all their blocks; VRs differ from file to file."""
    first = group << 16
    creators = Indexed(first | 0x10, first | 0xFF, (), "1", _GROUPING, Form.TEXT)
    rows = [
        Indexed(each.tag(0x10), each.tag(0xFF), (), "1-n", _GROUPING, Form.BINARY, mask=0xFF)
        for each in Private
        if each.group == group
    ]
    return (creators, *rows) if has_creators else tuple(rows)


def _at(place: Place, *rows: Indexed) -> tuple[Indexed, ...]:
    return tuple(row._replace(place=place) for row in rows)


INDEXED = (
    _one(Tag.SpecificCharacterSet, "CS", "1-n", _PIXELS),
    _one(Tag.ImageType, "CS", "2-n", _GROUPING),
    _one(Tag.SOPClassUID, "UI", "1", _PIXELS),
    _one(Tag.SOPInstanceUID, "UI", "1", _IDENTITY),
    _one(Tag.AcquisitionDate, "DA", "1", _GROUPING),
    _one(Tag.ContentDate, "DA", "1", _GROUPING),
    _one(Tag.AcquisitionDateTime, "DT", "1", _GROUPING),
    _one(Tag.AcquisitionTime, "TM", "1", _GROUPING),
    _one(Tag.ContentTime, "TM", "1", _GROUPING),
    _one(Tag.Modality, "CS", "1", _PIXELS),
    _one(Tag.PresentationIntentType, "CS", "1", _IDENTITY),
    _one(Tag.Manufacturer, "LO", "1", _IDENTITY),
    _one(Tag.SeriesDescription, "LO", "1", _GROUPING, _PRESENCE),
    _one(Tag.ManufacturerModelName, "LO", "1", _IDENTITY),
    _one(Tag.PixelPresentation, "CS", "1", _PIXELS),
    _one(Tag.ComplexImageComponent, "CS", "1", _GROUPING),
    _one(Tag.PatientID, "LO", "1", _IDENTITY),
    _one(Tag.IssuerOfPatientID, "LO", "1", _IDENTITY),
    _one(Tag.SliceThickness, "DS", "1", _GEOMETRY),
    _one(Tag.KVP, "DS", "1", _GROUPING),
    _one(Tag.EchoTime, "DS", "1", _GROUPING),
    _one(Tag.InversionTime, "DS", "1", _GROUPING),
    _one(Tag.EchoNumbers, "IS", "1-n", _GROUPING),
    _one(Tag.SpacingBetweenSlices, "DS", "1", _GEOMETRY),
    _one(Tag.SoftwareVersions, "LO", "1-n", _IDENTITY),
    _one(Tag.TriggerTime, "DS", "1", _GROUPING),
    _one(Tag.ImagerPixelSpacing, "DS", "2", _GEOMETRY),
    _one(Tag.ConvolutionKernel, "SH", "1-n", _GROUPING),
    _one(Tag.NominalScannedPixelSpacing, "DS", "2", _GEOMETRY),
    _one(Tag.DiffusionBValue, "FD", "1", _GROUPING),
    _one(Tag.DiffusionGradientOrientation, "FD", "3", _GROUPING),
    *_private(0x0019),
    _one(Tag.StudyInstanceUID, "UI", "1", _IDENTITY),
    _one(Tag.SeriesInstanceUID, "UI", "1", _IDENTITY),
    _one(Tag.SeriesNumber, "IS", "1", _GROUPING),
    _one(Tag.AcquisitionNumber, "IS", "1", _GROUPING),
    _one(Tag.InstanceNumber, "IS", "1", _GROUPING),
    _one(Tag.ImagePositionPatient, "DS", "3", _GEOMETRY),
    _one(Tag.ImageOrientationPatient, "DS", "6", _GEOMETRY),
    _one(Tag.FrameOfReferenceUID, "UI", "1", _IDENTITY),
    _one(Tag.TemporalPositionIdentifier, "IS", "1", _GROUPING),
    _one(Tag.SliceLocation, "DS", "1", _GEOMETRY),
    _one(Tag.StackID, "SH", "1", _GROUPING),
    _one(Tag.InStackPositionNumber, "UL", "1", _GROUPING),
    _one(Tag.TemporalPositionIndex, "UL", "1", _GROUPING),
    _one(Tag.ConcatenationUID, "UI", "1", _GROUPING),
    _one(Tag.InConcatenationNumber, "US", "1", _GROUPING),
    _one(Tag.InConcatenationTotalNumber, "US", "1", _GROUPING),
    _sequence(Tag.DimensionIndexSequence, Place.DIMENSION, _GROUPING),
    _one(Tag.SamplesPerPixel, "US", "1", _PIXELS),
    _one(Tag.PhotometricInterpretation, "CS", "1", _PIXELS),
    _one(Tag.PlanarConfiguration, "US", "1", _PIXELS),
    _one(Tag.NumberOfFrames, "IS", "1", _PIXELS),
    _one(Tag.FrameIncrementPointer, "AT", "1-n", _GROUPING),
    _one(Tag.Rows, "US", "1", _PIXELS),
    _one(Tag.Columns, "US", "1", _PIXELS),
    _one(Tag.PixelSpacing, "DS", "2", _GEOMETRY),
    _one(Tag.BitsAllocated, "US", "1", _PIXELS),
    _one(Tag.BitsStored, "US", "1", _PIXELS),
    _one(Tag.HighBit, "US", "1", _PIXELS),
    _one(Tag.PixelRepresentation, "US", "1", _PIXELS),
    _one(Tag.PixelPaddingValue, "US SS", "1", _PIXELS),
    _one(Tag.PixelPaddingRangeLimit, "US SS", "1", _PIXELS),
    _one(Tag.FloatPixelPaddingValue, "FL", "1", _PIXELS),
    _one(Tag.DoubleFloatPixelPaddingValue, "FD", "1", _PIXELS),
    _one(Tag.FloatPixelPaddingRangeLimit, "FL", "1", _PIXELS),
    _one(Tag.DoubleFloatPixelPaddingRangeLimit, "FD", "1", _PIXELS),
    _one(Tag.BurnedInAnnotation, "CS", "1", _PIXELS),
    _one(Tag.PixelIntensityRelationship, "CS", "1", _IDENTITY),
    _one(Tag.PixelIntensityRelationshipSign, "SS", "1", _IDENTITY),
    _one(Tag.WindowCenter, "DS", "1-n", _PIXELS, _PRESENCE),
    _one(Tag.RescaleIntercept, "DS", "1", _SCALE),
    _one(Tag.RescaleSlope, "DS", "1", _SCALE),
    _one(Tag.RescaleType, "LO", "1", _PIXELS),
    _one(Tag.RedPaletteColorLookupTableDescriptor, "US SS", "3", _PIXELS, _LUT),
    _one(Tag.GreenPaletteColorLookupTableDescriptor, "US SS", "3", _PIXELS, _LUT),
    _one(Tag.BluePaletteColorLookupTableDescriptor, "US SS", "3", _PIXELS, _LUT),
    _one(Tag.RedPaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _one(Tag.GreenPaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _one(Tag.BluePaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _one(Tag.SegmentedRedPaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _one(Tag.SegmentedGreenPaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _one(Tag.SegmentedBluePaletteColorLookupTableData, "OW", "1", _PIXELS, _LUT),
    _sequence(Tag.ModalityLUTSequence, Place.MODALITY_LUT, _PIXELS),
    _one(Tag.RealWorldValueMappingSequence, "SQ", "1", _PIXELS, _PRESENCE),
    *_private(0x0043),
    *(_one(tag, "US", "1-n", _GROUPING) for tag in (Tag.EnergyWindowVector, Tag.DetectorVector)),
    _sequence(Tag.DetectorInformationSequence, Place.DETECTOR, _GEOMETRY),
    *(_one(tag, "US", "1-n", _GROUPING) for tag in FRAME_VECTORS),
    _one(Tag.Units, "CS", "1", _PIXELS),
    _one(Tag.SegmentationType, "CS", "1", _PIXELS),
    *_private(0x0065),
    *_private(0x2001),
    # Private blocks of Philips, who keep a scale of their own in them: creators, Scale Slopes.
    Indexed(
        PHILIPS_CREATORS[0], PHILIPS_CREATORS[-1], ("LO",), "1", _PIXELS, Form.TEXTS
    ),
    Indexed(
        PHILIPS_SCALE_SLOPE | 0x1000, PHILIPS_SCALE_SLOPE | 0xFF00, (), "1", _PIXELS, _PRESENCE,
        mask=0xFF,
    ),
    *_private(0x2005, has_creators=False),
    _one(Tag.PresentationLUTShape, "CS", "1", _PIXELS),
    _one(Tag.DoseUnits, "CS", "1", _PIXELS),
    _one(Tag.GridFrameOffsetVector, "DS", "2-n", _GEOMETRY),
    _one(Tag.DoseGridScaling, "DS", "1", _PIXELS),
    _sequence(Tag.SharedFunctionalGroupsSequence, Place.GROUPS, _PIXELS),
    _sequence(Tag.PerFrameFunctionalGroupsSequence, Place.GROUPS, _PIXELS, Form.FRAMES),
    _one(Tag.ExtendedOffsetTable, "OV", "1", _PIXELS, Form.OFFSETS),
    _one(Tag.ExtendedOffsetTableLengths, "OV", "1", _PIXELS, Form.OFFSETS),
    _one(Tag.FloatPixelData, "OF", "1", _PIXELS, Form.PIXEL_DATA),
    _one(Tag.DoubleFloatPixelData, "OD", "1", _PIXELS, Form.PIXEL_DATA),
    _one(Tag.PixelData, "OB OW", "1", _PIXELS, Form.PIXEL_DATA),
    *_at(
        Place.MODALITY_LUT,
        _one(Tag.LUTDescriptor, "US SS", "3", _PIXELS, _LUT),
        _one(Tag.ModalityLUTType, "LO", "1", _PIXELS),
        _one(Tag.LUTData, "US OW", "1-n", _PIXELS, _LUT),
    ),
    *_at(
        Place.GROUPS,
        _sequence(Tag.MREchoSequence, Place.ECHO, _GROUPING),
        _sequence(Tag.MRModifierSequence, Place.MODIFIER, _GROUPING),
        _sequence(Tag.MRDiffusionSequence, Place.DIFFUSION, _GROUPING),
        _sequence(Tag.CardiacSynchronizationSequence, Place.CARDIAC, _GROUPING),
        _sequence(Tag.MRImageFrameTypeSequence, Place.FRAME_TYPE, _GROUPING),
        _sequence(Tag.CTReconstructionSequence, Place.RECONSTRUCTION, _GROUPING),
        _sequence(Tag.CTXRayDetailsSequence, Place.X_RAY, _GROUPING),
        _sequence(Tag.CTImageFrameTypeSequence, Place.FRAME_TYPE, _GROUPING),
        _sequence(Tag.PETFrameTypeSequence, Place.FRAME_TYPE, _GROUPING),
        _sequence(Tag.FrameContentSequence, Place.CONTENT, _GROUPING),
        _sequence(Tag.PlanePositionSequence, Place.POSITION, _GEOMETRY),
        _sequence(Tag.PlaneOrientationSequence, Place.ORIENTATION, _GEOMETRY),
        _sequence(Tag.TemporalPositionSequence, Place.TEMPORAL, _GROUPING),
        _sequence(Tag.PixelMeasuresSequence, Place.MEASURES, _GEOMETRY),
        _one(Tag.FrameVOILUTSequence, "SQ", "1", _PIXELS, _PRESENCE),
        _sequence(Tag.PixelValueTransformationSequence, Place.TRANSFORMATION, _PIXELS),
        _sequence(Tag.ParametricMapFrameTypeSequence, Place.FRAME_TYPE, _GROUPING),
        _one(Tag.RealWorldValueMappingSequence, "SQ", "1", _PIXELS, _PRESENCE),
        _sequence(Tag.SegmentIdentificationSequence, Place.SEGMENT, _GROUPING),
    ),
    *_at(
        Place.TRANSFORMATION,
        _one(Tag.RescaleIntercept, "DS", "1", _PIXELS),
        _one(Tag.RescaleSlope, "DS", "1", _PIXELS),
        _one(Tag.RescaleType, "LO", "1", _PIXELS),
    ),
    *_at(
        Place.MEASURES,
        _one(Tag.SliceThickness, "DS", "1", _GEOMETRY),
        _one(Tag.SpacingBetweenSlices, "DS", "1", _GEOMETRY),
        _one(Tag.PixelSpacing, "DS", "2", _GEOMETRY),
    ),
    *_at(Place.POSITION, _one(Tag.ImagePositionPatient, "DS", "3", _GEOMETRY)),
    *_at(Place.ORIENTATION, _one(Tag.ImageOrientationPatient, "DS", "6", _GEOMETRY)),
    *_at(
        Place.CONTENT,
        _one(Tag.FrameAcquisitionDateTime, "DT", "1", _GROUPING),
        _one(Tag.FrameReferenceDateTime, "DT", "1", _GROUPING),
        _one(Tag.StackID, "SH", "1", _GROUPING),
        _one(Tag.InStackPositionNumber, "UL", "1", _GROUPING),
        _one(Tag.TemporalPositionIndex, "UL", "1", _GROUPING),
        _one(Tag.FrameAcquisitionNumber, "US", "1", _GROUPING),
        _one(Tag.DimensionIndexValues, "UL", "1-n", _GROUPING),
    ),
    *_at(
        Place.FRAME_TYPE,
        _one(Tag.FrameType, "CS", "4-5", _GROUPING),
        _one(Tag.ComplexImageComponent, "CS", "1", _GROUPING),
    ),
    *_at(Place.ECHO, _one(Tag.EffectiveEchoTime, "FD", "1", _GROUPING)),
    *_at(Place.MODIFIER, _one(Tag.InversionTimes, "FD", "1-n", _GROUPING)),
    *_at(
        Place.DIFFUSION,
        _one(Tag.DiffusionDirectionality, "CS", "1", _GROUPING),
        _sequence(Tag.DiffusionGradientDirectionSequence, Place.GRADIENT, _GROUPING),
        _one(Tag.DiffusionBValue, "FD", "1", _GROUPING),
    ),
    *_at(Place.GRADIENT, _one(Tag.DiffusionGradientOrientation, "FD", "3", _GROUPING)),
    *_at(Place.CARDIAC, _one(Tag.NominalCardiacTriggerDelayTime, "FD", "1", _GROUPING)),
    *_at(Place.TEMPORAL, _one(Tag.TemporalPositionTimeOffset, "FD", "1", _GROUPING)),
    *_at(Place.RECONSTRUCTION, _one(Tag.ConvolutionKernel, "SH", "1-n", _GROUPING)),
    *_at(Place.X_RAY, _one(Tag.KVP, "DS", "1", _GROUPING)),
    *_at(Place.SEGMENT, _one(Tag.ReferencedSegmentNumber, "US", "1-n", _GROUPING)),
    *_at(
        Place.DIMENSION,
        _one(Tag.DimensionIndexPointer, "AT", "1", _GROUPING),
        _one(Tag.FunctionalGroupPointer, "AT", "1", _GROUPING),
    ),
    *_at(
        Place.DETECTOR,
        _one(Tag.ImagePositionPatient, "DS", "3", _GEOMETRY),
        _one(Tag.ImageOrientationPatient, "DS", "6", _GEOMETRY),
    ),
)  # fmt: skip
"""The elements by their places, and in ascending order of their first and last tags in each."""

_ROW = struct.Struct("<3I2s2s4B")


def _packed(row: Indexed) -> bytes:
    """Return tags, mask, two VRs, form, purpose and places as the walk reads them."""
    first, second = (*(vr.encode() for vr in row.vrs), b"", b"")[:2]
    return _ROW.pack(
        row.first, row.last, row.mask, first, second or first,
        row.form, row.purpose, row.place, row.items,
    )  # fmt: skip


INDEXED_ROWS = b"".join(map(_packed, INDEXED))
