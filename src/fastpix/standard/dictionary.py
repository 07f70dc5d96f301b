"""Keyword and VR of each attribute that is read (PS3.6), without pydicom's long import.

`tests/standard/test_tables.py` holds the tables equal to pydicom's. An attribute that they lack is
looked up in pydicom's dictionary.
"""

from __future__ import annotations

from functools import lru_cache

from fastpix.standard.tags import Tag

_TAGS_OF_VR: dict[str, tuple[int, ...]] = {
    "UI": (
        Tag.MediaStorageSOPClassUID,
        Tag.TransferSyntaxUID,
        Tag.SOPClassUID,
        Tag.SOPInstanceUID,
        Tag.ReferencedSOPInstanceUID,
        Tag.StudyInstanceUID,
        Tag.SeriesInstanceUID,
        Tag.FrameOfReferenceUID,
        Tag.ConcatenationUID,
        Tag.ReferencedFrameOfReferenceUID,
    ),
    "CS": (
        Tag.SpecificCharacterSet,
        Tag.ImageType,
        Tag.Modality,
        Tag.PresentationIntentType,
        Tag.FrameType,
        Tag.PixelPresentation,
        Tag.ComplexImageComponent,
        Tag.DiffusionDirectionality,
        Tag.PhotometricInterpretation,
        Tag.BurnedInAnnotation,
        Tag.PixelIntensityRelationship,
        Tag.Units,
        Tag.SegmentationType,
        Tag.PresentationLUTShape,
        Tag.DoseUnits,
        Tag.ContourGeometricType,
    ),
    "LO": (
        Tag.Manufacturer,
        Tag.SeriesDescription,
        Tag.ManufacturerModelName,
        Tag.SoftwareVersions,
        Tag.PatientID,
        Tag.IssuerOfPatientID,
        Tag.RescaleType,
        Tag.ModalityLUTType,
        Tag.SegmentLabel,
        Tag.ROIName,
    ),
    "DS": (
        Tag.SliceThickness,
        Tag.KVP,
        Tag.EchoTime,
        Tag.InversionTime,
        Tag.SpacingBetweenSlices,
        Tag.TriggerTime,
        Tag.ImagerPixelSpacing,
        Tag.NominalScannedPixelSpacing,
        Tag.ImagePositionPatient,
        Tag.ImageOrientationPatient,
        Tag.SliceLocation,
        Tag.PixelSpacing,
        Tag.WindowCenter,
        Tag.RescaleIntercept,
        Tag.RescaleSlope,
        Tag.GridFrameOffsetVector,
        Tag.DoseGridScaling,
        Tag.ContourData,
    ),
    "US": (
        Tag.FrameAcquisitionNumber,
        Tag.InConcatenationNumber,
        Tag.InConcatenationTotalNumber,
        Tag.SamplesPerPixel,
        Tag.PlanarConfiguration,
        Tag.Rows,
        Tag.Columns,
        Tag.BitsAllocated,
        Tag.BitsStored,
        Tag.HighBit,
        Tag.PixelRepresentation,
        Tag.AlphaPaletteColorLookupTableDescriptor,
        Tag.ReferencedSegmentNumber,
        Tag.EnergyWindowVector,
        Tag.DetectorVector,
        Tag.PhaseVector,
        Tag.RotationVector,
        Tag.RRIntervalVector,
        Tag.TimeSlotVector,
        Tag.SliceVector,
        Tag.AngularViewVector,
        Tag.TimeSliceVector,
        Tag.SegmentNumber,
        Tag.MaximumFractionalValue,
    ),
    "SS": (Tag.PixelIntensityRelationshipSign,),
    "IS": (
        Tag.EchoNumbers,
        Tag.SeriesNumber,
        Tag.AcquisitionNumber,
        Tag.InstanceNumber,
        Tag.TemporalPositionIdentifier,
        Tag.NumberOfFrames,
        Tag.ROINumber,
        Tag.ReferencedROINumber,
    ),
    "US or SS": (
        Tag.PixelPaddingValue,
        Tag.PixelPaddingRangeLimit,
        Tag.RedPaletteColorLookupTableDescriptor,
        Tag.GreenPaletteColorLookupTableDescriptor,
        Tag.BluePaletteColorLookupTableDescriptor,
        Tag.LUTDescriptor,
    ),
    "FL": (
        Tag.FloatPixelPaddingValue,
        Tag.FloatPixelPaddingRangeLimit,
    ),
    "FD": (
        Tag.InversionTimes,
        Tag.EffectiveEchoTime,
        Tag.DiffusionBValue,
        Tag.DiffusionGradientOrientation,
        Tag.NominalCardiacTriggerDelayTime,
        Tag.TemporalPositionTimeOffset,
        Tag.DoubleFloatPixelPaddingValue,
        Tag.DoubleFloatPixelPaddingRangeLimit,
    ),
    "OW": (
        Tag.RedPaletteColorLookupTableData,
        Tag.GreenPaletteColorLookupTableData,
        Tag.BluePaletteColorLookupTableData,
        Tag.SegmentedRedPaletteColorLookupTableData,
        Tag.SegmentedGreenPaletteColorLookupTableData,
        Tag.SegmentedBluePaletteColorLookupTableData,
        Tag.SegmentedAlphaPaletteColorLookupTableData,
    ),
    "SQ": (
        Tag.DiffusionGradientDirectionSequence,
        Tag.MREchoSequence,
        Tag.MRModifierSequence,
        Tag.MRDiffusionSequence,
        Tag.CardiacSynchronizationSequence,
        Tag.MRImageFrameTypeSequence,
        Tag.CTReconstructionSequence,
        Tag.CTXRayDetailsSequence,
        Tag.CTImageFrameTypeSequence,
        Tag.PETFrameTypeSequence,
        Tag.FrameContentSequence,
        Tag.PlanePositionSequence,
        Tag.PlaneOrientationSequence,
        Tag.DimensionIndexSequence,
        Tag.TemporalPositionSequence,
        Tag.ModalityLUTSequence,
        Tag.PixelMeasuresSequence,
        Tag.FrameVOILUTSequence,
        Tag.PixelValueTransformationSequence,
        Tag.ParametricMapFrameTypeSequence,
        Tag.DetectorInformationSequence,
        Tag.RealWorldValueMappingSequence,
        Tag.SegmentSequence,
        Tag.SegmentIdentificationSequence,
        Tag.DVHSequence,
        Tag.SharedFunctionalGroupsSequence,
        Tag.PerFrameFunctionalGroupsSequence,
        Tag.ReferencedSeriesSequence,
        Tag.ReferencedInstanceSequence,
        Tag.ReferencedFrameOfReferenceSequence,
        Tag.RTReferencedStudySequence,
        Tag.RTReferencedSeriesSequence,
        Tag.ContourImageSequence,
        Tag.StructureSetROISequence,
        Tag.ROIContourSequence,
        Tag.ContourSequence,
    ),
    "US or OW": (Tag.LUTData,),
    "OV": (
        Tag.ExtendedOffsetTable,
        Tag.ExtendedOffsetTableLengths,
    ),
    "OF": (Tag.FloatPixelData,),
    "OD": (Tag.DoubleFloatPixelData,),
    "OB or OW": (Tag.PixelData,),
    "UL": (
        Tag.FileMetaInformationGroupLength,
        Tag.InStackPositionNumber,
        Tag.TemporalPositionIndex,
        Tag.DimensionIndexValues,
    ),
    "OB": (Tag.FileMetaInformationVersion,),
    "DA": (
        Tag.AcquisitionDate,
        Tag.ContentDate,
    ),
    "DT": (
        Tag.AcquisitionDateTime,
        Tag.FrameAcquisitionDateTime,
        Tag.FrameReferenceDateTime,
    ),
    "TM": (
        Tag.AcquisitionTime,
        Tag.ContentTime,
    ),
    "SH": (
        Tag.ConvolutionKernel,
        Tag.StackID,
    ),
    "AT": (
        Tag.DimensionIndexPointer,
        Tag.FunctionalGroupPointer,
        Tag.FrameIncrementPointer,
    ),
}
_VR_OF_TAG = {int(tag): vr for vr, tags in _TAGS_OF_VR.items() for tag in tags}
_KEYWORDS = {int(tag): tag.name for tag in Tag}

# Character sets that pydicom decodes, by the terms of Specific Character Set (PS3.3 C.12.1.1.2),
# and the wrong terms that it takes for right ones.
CHARACTER_SETS = frozenset(
    [
        "",
        "ISO_IR 6",
        "ISO_IR 13",
        "ISO_IR 100",
        "ISO_IR 101",
        "ISO_IR 109",
        "ISO_IR 110",
        "ISO_IR 126",
        "ISO_IR 127",
        "ISO_IR 138",
        "ISO_IR 144",
        "ISO_IR 148",
        "ISO_IR 166",
        "ISO 2022 IR 6",
        "ISO 2022 IR 13",
        "ISO 2022 IR 87",
        "ISO 2022 IR 100",
        "ISO 2022 IR 101",
        "ISO 2022 IR 109",
        "ISO 2022 IR 110",
        "ISO 2022 IR 126",
        "ISO 2022 IR 127",
        "ISO 2022 IR 138",
        "ISO 2022 IR 144",
        "ISO 2022 IR 148",
        "ISO 2022 IR 149",
        "ISO 2022 IR 159",
        "ISO 2022 IR 166",
        "ISO 2022 IR 58",
        "ISO_IR 192",
        "GB18030",
        "ISO 2022 GBK",
        "ISO 2022 58",
        "GBK",
    ]
)


@lru_cache(256)
def vr_of(tag: int) -> str | None:
    """Return an attribute's VR, as ``"US or SS"`` where there are several; None if unknown."""
    vr = _VR_OF_TAG.get(tag)
    if vr is not None:
        return vr
    if tag >> 16 & 1:  # private
        return None
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)
    except KeyError:
        return None


def keyword_of(tag: int) -> str:
    """Return an attribute's keyword, or an empty string."""
    keyword = _KEYWORDS.get(tag)
    if keyword is not None:
        return keyword
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)
