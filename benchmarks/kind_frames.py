"""Files of many frames that `kind_table.py` times: functional groups, slides, segmentations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import imagecodecs
import numpy as np
from headers import header, mr_header
from kind_files import (
    Made,
    Values,
    converted,
    describe_cells,
    floor_of,
    place_of_fresh,
    random,
    read_bytes,
    save,
    write,
)  # fmt: skip
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    BreastTomosynthesisImageStorage,
    EnhancedMRImageStorage,
    JPEGBaseline8Bit,
    OphthalmicTomographyImageStorage,
    SegmentationStorage,
    VLWholeSlideMicroscopyImageStorage,
)

SLIDE_FRAMES, SLIDE_FRAME = 20_000, 12_345
DIGITS = "0" * 10  # of a Rescale Intercept, as `kind_files.place_of_fresh` looks for it


def item(**values: object) -> Dataset:
    """Return an item of a sequence."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def one(**values: object) -> Sequence:
    """Return a sequence of one item."""
    return Sequence([item(**values)])


def _position(k: int) -> Sequence:
    return one(ImagePositionPatient=["-180.000", "-162.500", f"{0.625 * k - 301.875:.3f}"])


def _content(k: int) -> Sequence:
    return one(
        StackID="1",
        InStackPositionNumber=k + 1,
        TemporalPositionIndex=1,
        FrameAcquisitionNumber=1,
        DimensionIndexValues=[1, k + 1, 1],
        FrameAcquisitionDateTime="20000101120000.000000",
        FrameReferenceDateTime="20000101120000.000000",
        FrameAcquisitionDuration=125.5,
    )


def _geometry() -> Dataset:
    return item(
        PixelMeasuresSequence=one(
            SliceThickness="0.625", SpacingBetweenSlices="0.625", PixelSpacing=["0.5", "0.5"]
        ),
        PlaneOrientationSequence=one(
            ImageOrientationPatient=["1.000", "0.000", "0.000", "0.000", "1.000", "0.000"]
        ),
    )


def slope_of(k: int) -> float:
    """Return another slope for each frame: fractions of so few bits that float32 is exact."""
    return (257 + k) / 1024


def _transformation(slope: float, fresh: bool) -> Sequence:
    return one(
        RescaleIntercept=DIGITS if fresh else "0", RescaleSlope=f"{slope:.10f}", RescaleType="US"
    )


def _mr_frame(k: int) -> Dataset:
    """Return the groups of a frame as scanners of MR write them: a rescale for each."""
    return item(
        MRImageFrameTypeSequence=one(
            FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"],
            PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
            VolumeBasedCalculationTechnique="NONE", ComplexImageComponent="MAGNITUDE",
            AcquisitionContrast="DIFFUSION",
        ),
        FrameContentSequence=_content(k),
        PlanePositionSequence=_position(k),
        MREchoSequence=one(EffectiveEchoTime=98.5),
        MRDiffusionSequence=one(DiffusionBValue=1000.0, DiffusionDirectionality="ISOTROPIC"),
        MRAveragesSequence=one(NumberOfAverages="2"),
        FrameVOILUTSequence=one(WindowCenter="600", WindowWidth="1200"),
        PixelValueTransformationSequence=_transformation(slope_of(k), k == 0),
        RealWorldValueMappingSequence=one(
            RealWorldValueFirstValueMapped=0, RealWorldValueLastValueMapped=4095,
            LUTExplanation="SCALE", RealWorldValueIntercept=0.0, RealWorldValueSlope=1.5,
        ),
    )  # fmt: skip


def enhanced_mr(folder: Path, *, frames: int, side: int) -> Made:
    stored = random(2**12, frames, side, side).astype(np.uint16)
    dataset = mr_header()
    dataset.SOPClassUID = EnhancedMRImageStorage
    describe_cells(dataset, stored, 12)
    dataset.SharedFunctionalGroupsSequence = Sequence([_geometry()])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_mr_frame(k) for k in range(frames)])
    path = save(dataset, folder / f"enhanced-{frames}.dcm", stored.tobytes(), elements=None)
    slopes = np.array([slope_of(k) for k in range(frames)])[:, np.newaxis, np.newaxis]
    expected = (stored * slopes).astype(np.float32)
    floor = floor_of(stored)
    return Made([path], expected, floor, {"stored": stored}, place_of_fresh(path))


def _shared_rescale(dataset: Dataset, frames: Iterable[Dataset]) -> None:
    shared = _geometry()
    shared.PixelValueTransformationSequence = _transformation(1.0, True)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(list(frames))


def ophthalmic(folder: Path, *, frames: int, side: int) -> Made:
    """Write a file with a place for each frame, and a rescale for all of them."""
    stored = random(2**8, frames, side, side).astype(np.uint8)
    dataset = header()
    dataset.SOPClassUID, dataset.Modality = OphthalmicTomographyImageStorage, "OPT"
    describe_cells(dataset, stored)
    _shared_rescale(
        dataset,
        (
            item(FrameContentSequence=_content(k), PlanePositionSequence=_position(k))
            for k in range(frames)
        ),
    )
    path = save(dataset, folder / f"ophthalmic-{frames}.dcm", stored.tobytes(), elements=None)
    return Made([path], stored.astype(np.float32), floor_of(stored), fresh=place_of_fresh(path))


def many_groups(folder: Path) -> Made:
    """Write a file of 10,000 small frames, each with a place and a rescale of its own."""
    stored = random(2**12, 10_000, 8, 8).astype(np.uint16)
    dataset = header()
    dataset.SOPClassUID, dataset.Modality = BreastTomosynthesisImageStorage, "MG"
    describe_cells(dataset, stored, 12)
    dataset.SharedFunctionalGroupsSequence = Sequence([_geometry()])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        [
            item(
                FrameContentSequence=_content(k),
                PlanePositionSequence=_position(k),
                PixelValueTransformationSequence=_transformation(slope_of(k), k == 0),
            )
            for k in range(len(stored))
        ]
    )
    path = save(dataset, folder / "groups.dcm", stored.tobytes(), elements=None)
    slopes = np.array([slope_of(k) for k in range(len(stored))])[:, np.newaxis, np.newaxis]
    expected = (stored * slopes).astype(np.float32)
    return Made([path], expected, others={"stored": stored}, fresh=place_of_fresh(path))


def segmentation(folder: Path, *, frames: int, side: int, groups: bool) -> Made:
    """Write a segmentation of one bit a pixel."""
    stored = (random(8, frames, side, side) == 0).astype(np.uint8)
    dataset = header()
    dataset.SOPClassUID, dataset.Modality = SegmentationStorage, "SEG"
    describe_cells(dataset, stored)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.SegmentationType = "BINARY"
    if groups:
        dataset.SharedFunctionalGroupsSequence = Sequence([_geometry()])
        dataset.PerFrameFunctionalGroupsSequence = Sequence(
            [
                item(
                    FrameContentSequence=one(DimensionIndexValues=[1, k + 1]),
                    PlanePositionSequence=_position(k),
                    SegmentIdentificationSequence=one(ReferencedSegmentNumber=1),
                )
                for k in range(frames)
            ]
        )
    packed = np.packbits(stored.reshape(-1), bitorder="little")
    path = save(dataset, folder / f"segmentation-{frames}.dcm", packed.tobytes(), elements=None)

    def floor(path: Path) -> Values:
        bits = np.frombuffer(read_bytes(path)[-len(packed) :], np.uint8)
        return converted(np.unpackbits(bits, count=stored.size, bitorder="little"), stored.shape)

    return Made([path], stored.astype(np.float32), floor)


def slide(folder: Path, *, with_table: bool) -> Made:
    """Write a slide of 20,000 JPEG frames; `expected` is one of them."""
    tissue = _tissue()
    frame, other = _jpeg(tissue), _jpeg(tissue[::-1].copy())
    frames = [other] * SLIDE_FRAMES
    frames[SLIDE_FRAME] = frame
    dataset = header()
    dataset.SOPClassUID, dataset.Modality = VLWholeSlideMicroscopyImageStorage, "SM"
    describe_cells(dataset, np.empty(tissue.shape[:2], np.uint8))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "YBR_FULL"
    dataset.PlanarConfiguration = 0
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = encapsulate(frames, has_bot=with_table)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    path = write(dataset, folder / f"slide-{with_table}.dcm", JPEGBaseline8Bit)
    place = path.read_bytes().index(frame)

    def floor(path: Path) -> Values:
        with open(path, "rb", buffering=0) as file:
            file.seek(place)
            pixels: Values = imagecodecs.jpeg8_decode(file.read(len(frame)))
        return converted(pixels, pixels.shape)

    return Made([path], floor(path), floor)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    return bytes(
        imagecodecs.jpeg8_encode(
            pixels, 85, colorspace="RGB", outcolorspace="YCBCR", subsampling="444"
        )
    )


def _tissue() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:256, 0:256]
    waves = [127 + 90 * np.sin(x / (9 + 5 * k)) * np.cos(y / (7 + 3 * k)) for k in range(3)]
    return np.stack(waves, axis=2).astype(np.uint8)
