"""The tags that decide about pixels, by keyword (PS3.6)."""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    """Tags as ``0xggggeeee``."""

    TransferSyntaxUID = 0x00020010
    SOPClassUID = 0x00080016
    Modality = 0x00080060
    PixelPresentation = 0x00089205
    SamplesPerPixel = 0x00280002
    PhotometricInterpretation = 0x00280004
    PlanarConfiguration = 0x00280006
    NumberOfFrames = 0x00280008
    Rows = 0x00280010
    Columns = 0x00280011
    BitsAllocated = 0x00280100
    BitsStored = 0x00280101
    HighBit = 0x00280102
    PixelRepresentation = 0x00280103
    PixelPaddingValue = 0x00280120
    PixelPaddingRangeLimit = 0x00280121
    FloatPixelPaddingValue = 0x00280122
    DoubleFloatPixelPaddingValue = 0x00280123
    FloatPixelPaddingRangeLimit = 0x00280124
    DoubleFloatPixelPaddingRangeLimit = 0x00280125
    BurnedInAnnotation = 0x00280301
    WindowCenter = 0x00281050
    RescaleIntercept = 0x00281052
    RescaleSlope = 0x00281053
    RescaleType = 0x00281054
    RedPaletteColorLookupTableDescriptor = 0x00281101
    GreenPaletteColorLookupTableDescriptor = 0x00281102
    BluePaletteColorLookupTableDescriptor = 0x00281103
    RedPaletteColorLookupTableData = 0x00281201
    GreenPaletteColorLookupTableData = 0x00281202
    BluePaletteColorLookupTableData = 0x00281203
    SegmentedRedPaletteColorLookupTableData = 0x00281221
    SegmentedGreenPaletteColorLookupTableData = 0x00281222
    SegmentedBluePaletteColorLookupTableData = 0x00281223
    ModalityLUTSequence = 0x00283000
    LUTDescriptor = 0x00283002
    ModalityLUTType = 0x00283004
    LUTData = 0x00283006
    FrameVOILUTSequence = 0x00289132
    PixelValueTransformationSequence = 0x00289145
    RealWorldValueMappingSequence = 0x00409096
    Units = 0x00541001
    SegmentationType = 0x00620001
    PresentationLUTShape = 0x20500020
    DoseUnits = 0x30040002
    DoseGridScaling = 0x3004000E
    SharedFunctionalGroupsSequence = 0x52009229
    PerFrameFunctionalGroupsSequence = 0x52009230
    ExtendedOffsetTable = 0x7FE00001
    ExtendedOffsetTableLengths = 0x7FE00002
    FloatPixelData = 0x7FE00008
    DoubleFloatPixelData = 0x7FE00009
    PixelData = 0x7FE00010
