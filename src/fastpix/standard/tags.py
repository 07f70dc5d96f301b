"""The tags that are read here, by keyword (PS3.6)."""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    """Tags as ``0xggggeeee``."""

    FileMetaInformationGroupLength = 0x00020000
    FileMetaInformationVersion = 0x00020001
    MediaStorageSOPClassUID = 0x00020002
    TransferSyntaxUID = 0x00020010
    SpecificCharacterSet = 0x00080005
    ImageType = 0x00080008
    SOPClassUID = 0x00080016
    SOPInstanceUID = 0x00080018
    AcquisitionDate = 0x00080022
    ContentDate = 0x00080023
    AcquisitionDateTime = 0x0008002A
    AcquisitionTime = 0x00080032
    ContentTime = 0x00080033
    Modality = 0x00080060
    PresentationIntentType = 0x00080068
    Manufacturer = 0x00080070
    SeriesDescription = 0x0008103E
    ManufacturerModelName = 0x00081090
    ReferencedSeriesSequence = 0x00081115
    ReferencedInstanceSequence = 0x0008114A
    ReferencedSOPInstanceUID = 0x00081155
    FrameType = 0x00089007
    PixelPresentation = 0x00089205
    ComplexImageComponent = 0x00089208
    PatientID = 0x00100020
    IssuerOfPatientID = 0x00100021
    SliceThickness = 0x00180050
    KVP = 0x00180060
    EchoTime = 0x00180081
    InversionTime = 0x00180082
    EchoNumbers = 0x00180086
    SpacingBetweenSlices = 0x00180088
    SoftwareVersions = 0x00181020
    TriggerTime = 0x00181060
    ImagerPixelSpacing = 0x00181164
    ConvolutionKernel = 0x00181210
    NominalScannedPixelSpacing = 0x00182010
    FrameAcquisitionDateTime = 0x00189074
    DiffusionDirectionality = 0x00189075
    DiffusionGradientDirectionSequence = 0x00189076
    InversionTimes = 0x00189079
    EffectiveEchoTime = 0x00189082
    DiffusionBValue = 0x00189087
    DiffusionGradientOrientation = 0x00189089
    MREchoSequence = 0x00189114
    MRModifierSequence = 0x00189115
    MRDiffusionSequence = 0x00189117
    CardiacSynchronizationSequence = 0x00189118
    FrameReferenceDateTime = 0x00189151
    MRImageFrameTypeSequence = 0x00189226
    CTReconstructionSequence = 0x00189314
    CTXRayDetailsSequence = 0x00189325
    CTImageFrameTypeSequence = 0x00189329
    PETFrameTypeSequence = 0x00189751
    StudyInstanceUID = 0x0020000D
    SeriesInstanceUID = 0x0020000E
    SeriesNumber = 0x00200011
    AcquisitionNumber = 0x00200012
    InstanceNumber = 0x00200013
    ImagePositionPatient = 0x00200032
    ImageOrientationPatient = 0x00200037
    FrameOfReferenceUID = 0x00200052
    TemporalPositionIdentifier = 0x00200100
    SliceLocation = 0x00201041
    StackID = 0x00209056
    InStackPositionNumber = 0x00209057
    FrameContentSequence = 0x00209111
    PlanePositionSequence = 0x00209113
    PlaneOrientationSequence = 0x00209116
    TemporalPositionIndex = 0x00209128
    NominalCardiacTriggerDelayTime = 0x00209153
    FrameAcquisitionNumber = 0x00209156
    DimensionIndexValues = 0x00209157
    ConcatenationUID = 0x00209161
    InConcatenationNumber = 0x00209162
    InConcatenationTotalNumber = 0x00209163
    DimensionIndexPointer = 0x00209165
    FunctionalGroupPointer = 0x00209167
    DimensionIndexSequence = 0x00209222
    TemporalPositionTimeOffset = 0x0020930D
    TemporalPositionSequence = 0x00209310
    SamplesPerPixel = 0x00280002
    PhotometricInterpretation = 0x00280004
    PlanarConfiguration = 0x00280006
    NumberOfFrames = 0x00280008
    FrameIncrementPointer = 0x00280009
    Rows = 0x00280010
    Columns = 0x00280011
    PixelSpacing = 0x00280030
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
    AlphaPaletteColorLookupTableDescriptor = 0x00281104
    RedPaletteColorLookupTableData = 0x00281201
    GreenPaletteColorLookupTableData = 0x00281202
    BluePaletteColorLookupTableData = 0x00281203
    SegmentedRedPaletteColorLookupTableData = 0x00281221
    SegmentedGreenPaletteColorLookupTableData = 0x00281222
    SegmentedBluePaletteColorLookupTableData = 0x00281223
    SegmentedAlphaPaletteColorLookupTableData = 0x00281224
    ModalityLUTSequence = 0x00283000
    LUTDescriptor = 0x00283002
    ModalityLUTType = 0x00283004
    LUTData = 0x00283006
    PixelMeasuresSequence = 0x00289110
    FrameVOILUTSequence = 0x00289132
    PixelValueTransformationSequence = 0x00289145
    ParametricMapFrameTypeSequence = 0x00409092
    RealWorldValueMappingSequence = 0x00409096
    EnergyWindowVector = 0x00540010
    DetectorVector = 0x00540020
    DetectorInformationSequence = 0x00540022
    PhaseVector = 0x00540030
    RotationVector = 0x00540050
    RRIntervalVector = 0x00540060
    TimeSlotVector = 0x00540070
    SliceVector = 0x00540080
    AngularViewVector = 0x00540090
    TimeSliceVector = 0x00540100
    Units = 0x00541001
    SegmentationType = 0x00620001
    SegmentSequence = 0x00620002
    SegmentNumber = 0x00620004
    SegmentLabel = 0x00620005
    SegmentIdentificationSequence = 0x0062000A
    ReferencedSegmentNumber = 0x0062000B
    MaximumFractionalValue = 0x0062000E
    PresentationLUTShape = 0x20500020
    DoseUnits = 0x30040002
    GridFrameOffsetVector = 0x3004000C
    DoseGridScaling = 0x3004000E
    DVHSequence = 0x30040050
    ReferencedFrameOfReferenceSequence = 0x30060010
    RTReferencedStudySequence = 0x30060012
    RTReferencedSeriesSequence = 0x30060014
    ContourImageSequence = 0x30060016
    StructureSetROISequence = 0x30060020
    ROINumber = 0x30060022
    ReferencedFrameOfReferenceUID = 0x30060024
    ROIName = 0x30060026
    ROIContourSequence = 0x30060039
    ContourSequence = 0x30060040
    ContourGeometricType = 0x30060042
    ContourData = 0x30060050
    ReferencedROINumber = 0x30060084
    SharedFunctionalGroupsSequence = 0x52009229
    PerFrameFunctionalGroupsSequence = 0x52009230
    ExtendedOffsetTable = 0x7FE00001
    ExtendedOffsetTableLengths = 0x7FE00002
    FloatPixelData = 0x7FE00008
    DoubleFloatPixelData = 0x7FE00009
    PixelData = 0x7FE00010


# Private blocks of Philips: where creators stand, and Scale Slope (2005,xx0E) without its block.
PHILIPS_CREATORS = range(0x20050010, 0x20050100)
PHILIPS_SCALE_SLOPE = 0x2005000E

# What frames of nuclear medicine count beside energy windows and detectors (PS3.3 C.8.4.8).
FRAME_VECTORS = (
    Tag.PhaseVector, Tag.RotationVector, Tag.RRIntervalVector, Tag.TimeSlotVector, Tag.SliceVector,
    Tag.AngularViewVector, Tag.TimeSliceVector,
)  # fmt: skip
