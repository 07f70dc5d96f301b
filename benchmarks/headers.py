"""Headers as large as scanners write them, with values that belong to nobody."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

ELEMENTS = 258  # of a CT slice as scanners write it
UID_ROOT = "1.2.826.0.1.3680043.8.498."
_OF_CT = (
    "ScanOptions", "KVP", "XRayTubeCurrent", "ExposureTime", "Exposure", "GeneratorPower",
    "DataCollectionDiameter", "DistanceSourceToDetector", "DistanceSourceToPatient",
    "GantryDetectorTilt", "TableHeight", "RotationDirection", "FilterType", "FocalSpots",
    "ConvolutionKernel", "RevolutionTime", "SingleCollimationWidth", "TotalCollimationWidth",
    "TableSpeed", "TableFeedPerRotation", "SpiralPitchFactor", "CTDIvol", "RescaleType",
)  # fmt: skip


def header() -> Dataset:
    """Return the standard's part of a CT header, with values that belong to nobody."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "HELIX"]
    dataset.SOPClassUID = CTImageStorage
    for k, keyword in enumerate(
        ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    ):
        setattr(dataset, keyword, f"{UID_ROOT}10101010.{k}.20202020202020")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, keyword, "20000101")
    for keyword in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(dataset, keyword, "120000.000000")
    for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
        "ReferringPhysicianName", "StudyID", "InstitutionName", "InstitutionAddress",
        "OperatorsName", "AdditionalPatientHistory", "PerformingPhysicianName",
    ):  # fmt: skip
        setattr(dataset, keyword, "")
    dataset.Modality = "CT"
    dataset.Manufacturer = "A MANUFACTURER"
    dataset.ManufacturerModelName = "A MODEL OF SCANNER"
    dataset.StationName = "STATION01"
    dataset.StudyDescription = "BENCHMARK OF A READER"
    dataset.SeriesDescription = "THIN SLICES, SOFT KERNEL"
    dataset.SoftwareVersions = ["1.2.3", "build 4567", "release 89"]
    dataset.BodyPartExamined = "PHANTOM"
    dataset.ProtocolName = "1.1 A PROTOCOL OF THE PHANTOM"
    dataset.ScanOptions = "HELICAL MODE"
    dataset.SliceThickness, dataset.SpacingBetweenSlices = "0.625", "0.625"
    dataset.KVP, dataset.XRayTubeCurrent, dataset.ExposureTime = "120", "312", "500"
    dataset.Exposure, dataset.GeneratorPower = "156", "37440"
    dataset.DataCollectionDiameter, dataset.ReconstructionDiameter = "500", "360"
    dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient = "949.075", "541"
    dataset.GantryDetectorTilt, dataset.TableHeight = "0", "162.5"
    dataset.RotationDirection, dataset.FilterType = "CW", "BODY FILTER"
    dataset.FocalSpots, dataset.ConvolutionKernel = "0.7", "STANDARD"
    dataset.PatientPosition = "HFS"
    dataset.RevolutionTime, dataset.SingleCollimationWidth = 0.5, 0.625
    dataset.TotalCollimationWidth, dataset.TableSpeed = 40.0, 78.75
    dataset.TableFeedPerRotation, dataset.SpiralPitchFactor = 39.375, 0.984375
    dataset.CTDIvol = 11.62
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = "3", "1", "128"
    dataset.ImagePositionPatient = ["-180.000", "-162.500", "-301.875"]
    dataset.ImageOrientationPatient = ["1.000", "0.000", "0.000", "0.000", "1.000", "0.000"]
    dataset.PositionReferenceIndicator, dataset.SliceLocation = "SN", "-301.875"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelSpacing = ["0.703125", "0.703125"]
    dataset.WindowCenter, dataset.WindowWidth = ["40", "-500"], ["400", "1500"]
    dataset.RescaleType = "HU"
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = f"{UID_ROOT}10101010.9.20202020202020"
    dataset.ReferencedImageSequence = Sequence([reference, reference])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "123456", "99BENCH"
    code.CodeMeaning = "Computed tomography of a phantom"
    dataset.ProcedureCodeSequence = Sequence([code])
    request = Dataset()
    request.ScheduledProcedureStepDescription, request.RequestedProcedureID = "SCAN", ""
    request.ScheduledProtocolCodeSequence = Sequence([code])
    dataset.RequestAttributesSequence = Sequence([request])
    return dataset


def mr_header() -> Dataset:
    """Return the standard's part of an MR header; it has no rescale."""
    dataset = _without_ct(header())
    dataset.SOPClassUID = MRImageStorage
    dataset.Modality = "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]
    dataset.StudyDescription, dataset.SeriesDescription = "BENCHMARK", "T2 TSE TRANSVERSAL"
    dataset.ScanningSequence, dataset.SequenceVariant = "SE", ["SK", "SP", "OSP"]
    dataset.ScanOptions, dataset.MRAcquisitionType = ["SAT1", "PFP"], "2D"
    dataset.SequenceName, dataset.AngioFlag = "*tse2d1_15", "N"
    dataset.RepetitionTime, dataset.EchoTime, dataset.EchoTrainLength = "4000", "98", "15"
    dataset.NumberOfAverages, dataset.ImagingFrequency = "2", "123.213571"
    dataset.ImagedNucleus, dataset.EchoNumbers = "1H", "1"
    dataset.MagneticFieldStrength, dataset.NumberOfPhaseEncodingSteps = "3", "181"
    dataset.PercentSampling, dataset.PercentPhaseFieldOfView = "80", "100"
    dataset.PixelBandwidth, dataset.FlipAngle, dataset.VariableFlipAngleFlag = "220", "150", "N"
    dataset.TransmitCoilName, dataset.InPlanePhaseEncodingDirection = "Body", "ROW"
    dataset.AcquisitionMatrix = [0, 128, 102, 0]
    dataset.SAR, dataset.dBdt = "1.2305", "0"
    return dataset


def pet_header() -> Dataset:
    """Return the standard's part of a PET header."""
    dataset = _without_ct(header())
    dataset.SOPClassUID = PositronEmissionTomographyImageStorage
    dataset.Modality = "PT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.StudyDescription, dataset.SeriesDescription = "BENCHMARK", "PET WB AC"
    dataset.Units, dataset.CountsSource = "BQML", "EMISSION"
    dataset.SeriesType, dataset.RandomsCorrectionMethod = ["WHOLE BODY", "IMAGE"], "DLYD"
    dataset.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RADL", "RAN"]
    dataset.AttenuationCorrectionMethod, dataset.ScatterCorrectionMethod = "CT", "Model-based"
    dataset.ReconstructionMethod, dataset.DecayCorrection = "PSF+TOF 2i21s", "START"
    dataset.NumberOfSlices, dataset.ImageIndex = 200, 1
    dataset.FrameReferenceTime, dataset.ActualFrameDuration = "60000", "120000"
    dataset.DecayFactor, dataset.DoseCalibrationFactor = "1.0212", "25123500"
    dataset.ScatterFractionFactor, dataset.DeadTimeFactor = "0.3412", "1.0812"
    drug = Dataset()
    drug.Radiopharmaceutical = "A TRACER"
    drug.RadiopharmaceuticalStartTime = "110000.000000"
    drug.RadionuclideTotalDose = "300000000"
    drug.RadionuclideHalfLife, drug.RadionuclidePositronFraction = "6586.2", "0.97"
    dataset.RadiopharmaceuticalInformationSequence = Sequence([drug])
    return dataset


def _without_ct(dataset: Dataset) -> Dataset:
    for keyword in _OF_CT:
        delattr(dataset, keyword)
    return dataset


def fill_to(dataset: Dataset, count: int) -> None:
    """Add private elements, as vendors do, until the data set has `count` elements."""
    kinds: tuple[tuple[str, Any], ...] = (
        ("DS", "-12.345678"), ("LO", "A VALUE OF THE VENDOR"), ("SH", "VALUE"), ("SL", 123456),
        ("US", 512), ("FD", [0.5, 1.5, 2.5]), ("DS", ["1.0", "0.5", "-0.25", "0.125"]),
        ("UN", b"\x01\x02\x03\x04" * 8), ("IS", "4711"), ("FL", 3.25), ("OB", bytes(256)),
    )  # fmt: skip
    groups = (0x0009, 0x0019, 0x0021, 0x0027, 0x0029, 0x0043, 0x0045)
    k = 0
    while len(dataset) < count:
        creator = f"A VENDOR {groups[k % len(groups)]:04X}"
        block = dataset.private_block(groups[k % len(groups)], creator, create=True)
        if len(dataset) < count:  # the creator is an element too
            block.add_new(k // len(groups), *kinds[k % len(kinds)])
        k += 1
    assert len(dataset) == count
