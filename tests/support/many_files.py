"""Files for imread_many, and what a loop over imread makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

import fastpix
from fastpix.errors import FastpixError, HeaderWarning
from fastpix.runs.alike import RunReader
from support.builders import (
    encode,
    encode_frames,
    make_dataset,
    set_raw,
)
from support.codestream_cases import rle

RNG = np.random.default_rng(7)


LIMITED = 2**26  # max_bytes for files that promise more than they hold


def slice_of(k: int, shape: tuple[int, ...] = (16, 12), **attributes: Any) -> bytes:
    """One file of a series: 12-bit CT, its cells made from its number."""
    cells = np.random.default_rng(k).integers(0, 4096, shape).astype(np.uint16)
    given = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": "1", "RescaleIntercept": "-1024"}
    return encode(make_dataset(cells, **(given | attributes)))


def write_series(folder: Path, count: int = 40, **attributes: Any) -> list[Path]:
    paths = [folder / f"{k:04}.dcm" for k in range(count)]
    for k, path in enumerate(paths):
        path.write_bytes(slice_of(k, **attributes))
    return paths


Outcome = tuple[Any, ...]


def outcome_of(value: Any) -> Outcome:
    """What can be compared of an array or an error."""
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        assert value.flags.writeable
        assert value.dtype.isnative
        return value.shape, value.dtype.str, value.tobytes()
    assert isinstance(value, Exception)
    return type(value), str(value)


def looped(sources: Iterable[Any], **arguments: Any) -> tuple[list[Outcome], list[str]]:
    """Outcomes and warnings of a loop over imread."""
    outcomes = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for source in sources:
            try:
                outcomes.append(outcome_of(fastpix.imread(source, **arguments)))
            except (FastpixError, OSError) as error:
                outcomes.append(outcome_of(error))
    return outcomes, sorted(f"{w.category}: {w.message}" for w in caught)


def without_source(warning: warnings.WarningMessage) -> str:
    """Return the text of a warning of imread_many, less the name of its file.

    pydicom's own warnings, which the reading thread issues, have none.
    """
    if not isinstance(warning.message, HeaderWarning):
        return str(warning.message)
    assert warning.message.source is not None
    ending = f" (source: {warning.message.source})"
    assert str(warning.message).endswith(ending)
    return str(warning.message).removesuffix(ending)


def read_ahead(
    sources: Iterable[Any], threads: int | None = 2, **arguments: Any
) -> tuple[list[Outcome], list[str]]:
    """The same of imread_many."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcomes = [
            outcome_of(value)
            for value in fastpix.imread_many(
                sources, threads=threads, on_error="yield", **arguments
            )
        ]
    return outcomes, sorted(f"{w.category}: {without_source(w)}" for w in caught)


def assert_same(sources: list[Any], threads: int | None = 2, **arguments: Any) -> list[Outcome]:
    """Read sources both ways, compare, and return the outcomes."""
    wanted, wanted_warnings = looped(sources, **arguments)
    found, found_warnings = read_ahead(sources, threads, **arguments)
    assert len(found) == len(wanted)
    for k, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one == other, f"outcome {k} differs: {sources[k]!r:.200}"
    assert found_warnings == wanted_warnings
    return found


def went_alike(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have the lengths of runs that were read past the interpreter recorded."""
    runs: list[int] = []
    plain = RunReader._read_alike

    def recorded(self: RunReader, sources: Any, place: int) -> Any:
        some = plain(self, sources, place)
        runs.append(len(some))
        return some

    monkeypatch.setattr(RunReader, "_read_alike", recorded)
    return runs


KINDS: dict[str, bytes] = {
    "plain": slice_of(1),
    "signed": encode(make_dataset(RNG.integers(-2048, 2048, (9, 7)).astype(np.int16),
                                  BitsStored=12, HighBit=11, RescaleSlope="0.5",
                                  RescaleIntercept="3")),
    "8 bits, odd": encode(make_dataset(RNG.integers(0, 256, (5, 7)).astype(np.uint8))),
    "32 bits": encode(make_dataset(RNG.integers(0, 2**32, (5, 7), np.uint32))),
    "1 bit": encode(make_dataset(np.arange(16, dtype=np.uint8).reshape(2, 8), Rows=16,
                                 BitsAllocated=1, BitsStored=1, HighBit=0)),
    "several frames": slice_of(2, (3, 8, 6)),
    "MONOCHROME1": slice_of(3, PhotometricInterpretation="MONOCHROME1"),
    "padding": slice_of(4, PixelPaddingValue=17, PixelPaddingRangeLimit=20),
    "RGB": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                               SamplesPerPixel=3)),
    "RGB, planar": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                                       SamplesPerPixel=3, PlanarConfiguration=1)),
    "YBR": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                               SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL")),
    "float": encode(make_dataset(RNG.normal(size=(4, 5)).astype(np.float32))),
    "double": encode(make_dataset(RNG.normal(size=(4, 5)))),
    "implicit": encode(make_dataset(), ImplicitVRLittleEndian),
    "big endian": encode(make_dataset(), ExplicitVRBigEndian),
    "RLE": encode_frames(make_dataset(), RLELossless,
                         [rle(np.arange(6, dtype="u2").reshape(2, 3))]),
    "palette": encode(
        set_raw(set_raw(set_raw(
            make_dataset(
                np.arange(6, dtype=np.uint8).reshape(2, 3),
                PhotometricInterpretation="PALETTE COLOR",
                RedPaletteColorLookupTableDescriptor=[6, 0, 16],
                GreenPaletteColorLookupTableDescriptor=[6, 0, 16],
                BluePaletteColorLookupTableDescriptor=[6, 0, 16],
            ), 0x00281201, "OW", np.arange(6, dtype="<u2").tobytes()),
            0x00281202, "OW", np.arange(6, 12, dtype="<u2").tobytes()),
            0x00281203, "OW", np.arange(12, 18, dtype="<u2").tobytes())
    ),
    "too long": encode(make_dataset(PixelData=bytes(range(12)) + b"\1" * 2)),
    "slope 0": slice_of(5, RescaleSlope="0"),
    "fraction": slice_of(6, RescaleSlope="0.37", RescaleIntercept="1e-3"),
    "high bit": slice_of(7, BitsStored=12, HighBit=15),
}  # fmt: skip


def with_byte(data: bytes, place: int, value: int) -> bytes:
    return data[:place] + bytes([value]) + data[place + 1 :]
