"""The readers of images that can be compared: how each is installed, and how it is asked.

Each is asked as its own documentation asks it, for values in modality units (what slope and
intercept or a Modality LUT make of the stored values), all frames, in the dtype that it likes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.image.open_image import open as open_image
from fastpix.loaders import imread

Read: TypeAlias = Callable[[Any], Any]
"""From what a reader is given to values: of an image, from its path to an array of all frames."""


def read_fastpix(path: str) -> NDArray[Any]:
    """Read with fastpix; MONOCHROME1 is not inverted, since most others do not invert it."""
    return imread(path, invert="none")


def read_fastpix_mirrored(path: str) -> NDArray[Any]:
    """Read with fastpix; MONOCHROME1 is mirrored in the range that can be stored."""
    header = open_image(path).header
    mirrors = header.photometric == "MONOCHROME1" and not header.is_float
    return imread(path, invert="range" if mirrors else "none")


def read_fastpix_negated(path: str) -> NDArray[Any]:
    """Read with fastpix; values of MONOCHROME1 have the other sign."""
    values = read_fastpix(path)
    if open_image(path).header.photometric == "MONOCHROME1":
        np.negative(values, out=values)
    return values


def read_pydicom(path: str) -> NDArray[Any]:
    """Read with pydicom: `pixel_array`, then the modality LUT or the palette."""
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    dataset = dcmread(path)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return apply_color_lut(dataset.pixel_array, dataset)
    return apply_modality_lut(dataset.pixel_array, dataset)


def read_dicomsdl(path: str) -> NDArray[Any]:
    """Read with dicomsdl: `pixelData`, which gives one frame."""
    import dicomsdl

    dataset = dicomsdl.open(path)
    frames = dataset.getDataElement(0x00280008).toLong(1)  # 1 where Number of Frames is missing
    first: NDArray[Any] = dataset.pixelData()
    if frames == 1:
        return first
    values = np.empty((frames, *first.shape), first.dtype)
    values[0] = first
    for index in range(1, frames):
        values[index] = dataset.pixelData(index=index)
    return values


def read_simpleitk(path: str) -> NDArray[Any]:
    """Read with SimpleITK, which mirrors MONOCHROME1 and makes a volume of any file."""
    import SimpleITK

    values: NDArray[Any] = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path))
    return values[0] if len(values) == 1 else values


def read_pydcm(path: str) -> NDArray[Any]:
    """Read with pydcm, which negates MONOCHROME1 and gives an axis of frames to any file."""
    import pydcm

    values: NDArray[Any] = pydcm.decode(path, rescale=True)
    return values[0] if len(values) == 1 else values


_GDCM_DTYPES = {
    "UINT8": "u1", "INT8": "i1", "UINT12": "u2", "INT12": "i2", "UINT16": "u2", "INT16": "i2",
    "UINT32": "u4", "INT32": "i4", "FLOAT16": "f2", "FLOAT32": "f4", "FLOAT64": "f8",
}  # fmt: skip


def read_gdcm(path: str) -> NDArray[Any]:
    """Read with gdcm: its buffer, rescaled here, since its `Rescaler` takes no Python memory."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(path)
    if not reader.Read():
        raise ValueError("gdcm.ImageReader cannot read it")
    image = reader.GetImage()
    pixels = image.GetPixelFormat()
    # Its bytes come as text, with bytes that are no text escaped.
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    stored = np.frombuffer(buffer, _GDCM_DTYPES[pixels.GetScalarTypeAsString()])
    columns, rows, *frames = image.GetDimensions()
    shape = (*(n for n in frames if n > 1), rows, columns)
    samples = pixels.GetSamplesPerPixel()
    if samples > 1 and image.GetPlanarConfiguration():
        stored = np.moveaxis(stored.reshape(*shape[:-2], samples, rows, columns), -3, -1)
    elif samples > 1:
        stored = stored.reshape(*shape, samples)
    else:
        stored = stored.reshape(shape)
    slope, intercept = image.GetSlope(), image.GetIntercept()
    return stored if (slope, intercept) == (1, 0) else stored * slope + intercept


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of DICOM files.

    Attributes
    ----------
    name : str
    package : str
        As one installs it; of several, its own first.
    module : str
        What must import.
    read : callable
        Of an image: from a path to the values of all frames, shaped like fastpix's: ``(rows,
        columns)``, with an axis of frames before them if there are several, and one of samples
        behind them. Of a series: from `SeriesFiles` to a list of `GivenVolume`. Of a batch: from
        paths to ``(files, rows, columns)``.
    reference : callable
        fastpix, with what this reader does to MONOCHROME1.
    needs : tuple of str
        Other modules that must import.
    program : str
        What must be installed beside the module: a program, or the package that brings it.
    """

    name: str
    package: str
    module: str
    read: Read
    reference: Read = read_fastpix
    needs: tuple[str, ...] = ()
    program: str = ""

    @property
    def modules(self) -> tuple[str, ...]:
        """All that must import."""
        return (self.module, *self.needs)

    def is_present(self) -> bool:
        """Whether it is installed."""
        if self.program and not (find_spec(self.program) or shutil.which(self.program)):
            return False
        return all(find_spec(module) is not None for module in self.modules)

    def version(self) -> str:
        """Return its version, or how to install it."""
        if not self.is_present():
            return f"not installed: pip install {self.package}"
        try:
            return version(self.package.partition(" ")[0])
        except PackageNotFoundError:  # installed under another name, as conda does it
            return "unknown"


FASTPIX = "fastpix"
READERS = {
    reader.name: reader
    for reader in (
        Reader(FASTPIX, "fastpix", "fastpix", read_fastpix),
        Reader("pydicom", "pydicom", "pydicom", read_pydicom),
        Reader("dicomsdl", "dicomsdl", "dicomsdl", read_dicomsdl),
        Reader("SimpleITK", "SimpleITK", "SimpleITK", read_simpleitk, read_fastpix_mirrored),
        Reader("pydcm", "pydcm", "pydcm", read_pydcm, read_fastpix_negated),
        Reader("gdcm", "python-gdcm", "gdcm", read_gdcm),
    )
}
"""All readers of images, by name: fastpix first."""


def readers_named(
    names: str | None, teams: Sequence[Mapping[str, Reader]] = (READERS,)
) -> list[list[Reader]]:
    """Return the readers of a list with commas, or all; fastpix is always the first.

    Parameters
    ----------
    names : str or None
        In any case; the first word of a name is enough, and names all that begin with it.
    teams : sequence of mapping of str to Reader
        The readers of each part of a comparison.

    Returns
    -------
    list of list of Reader
        Those of each team.

    Raises
    ------
    ArgumentError
        No team has a reader of that name.
    """
    if not names:
        return [list(team.values()) for team in teams]
    wanted = {name.strip().lower() for name in names.split(",")}
    known = dict.fromkeys(name for team in teams for name in team)
    unknown = wanted - {call for name in known for call in _calls(name)}
    if unknown:
        raise ArgumentError(
            "readers", f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}"
        )
    return [
        [reader for name, reader in team.items() if name == FASTPIX or wanted & _calls(name)]
        for team in teams
    ]


def _calls(name: str) -> set[str]:
    lower = name.lower()
    return {lower, lower.partition(" ")[0]}
