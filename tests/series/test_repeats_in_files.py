"""Files that come twice, and files in conflict: what `read` says of each stack of a series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from support.builders import encode, make_item
from support.series_files import cells_of, slice_dataset, write_slices

from fastpix import ArgumentError, SeriesError, open_series, read_series
from fastpix.header.instance import Instance
from fastpix.series.series_files import SeriesFile

SLICES = 5


def test_a_uid_that_two_stacks_share_is_a_conflict_in_each(tmp_path: Path) -> None:
    slices = [slice_dataset(k) for k in range(SLICES)]
    other = slice_dataset(number=2, cells=cells_of(50, 8, 8))
    write_slices(tmp_path, [*slices, other])
    assert [stack.codes[0] for stack in open_series(tmp_path)] == ["sop_conflict"] * 2
    for number in (0, 1):
        with pytest.raises(SeriesError) as caught:
            read_series(tmp_path, stack=number)
        assert caught.value.codes == ("sop_conflict",)


def two_echoes(syntax: str = ExplicitVRLittleEndian, shift: float = 0.0, number: int = 0) -> bytes:
    """An enhanced MR: the frames of two echoes at the same places."""
    cells = np.stack([cells_of(k) for k in range(2 * SLICES)])
    dataset = slice_dataset(cells=cells, Modality="MR", number=number)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    shared = make_item(
        PixelMeasuresSequence=[make_item(PixelSpacing=dataset.PixelSpacing)],
        PlaneOrientationSequence=[
            make_item(ImageOrientationPatient=dataset.ImageOrientationPatient)
        ],
    )
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        make_item(
            PlanePositionSequence=[
                make_item(ImagePositionPatient=slice_dataset(k // 2 + shift).ImagePositionPatient)
            ],
            MREchoSequence=[make_item(EffectiveEchoTime=5.0 + k % 2)],
        )
        for k in range(2 * SLICES)
    ]
    for keyword in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
        "RescaleIntercept",
    ):  # fmt: skip
        delattr(dataset, keyword)
    return encode(dataset, syntax)


def test_a_copy_of_a_file_with_several_stacks_is_left_out_of_each(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        (tmp_path / name).write_bytes(two_echoes())
    assert [stack.shape for stack in open_series(tmp_path)] == [(SLICES, 6, 5)] * 2
    for number in (0, 1):
        volume = read_series(tmp_path, stack=number)
        expected = np.stack([cells_of(2 * k + number) for k in range(SLICES)])
        assert np.array_equal(volume.array, expected)
        assert "5 planes left out" in volume.notes[0].text


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_file_that_has_to_be_parsed_again_is_parsed_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    """Whether its frames are compared with those of a copy, or alternate with those of another."""
    syntax = DeflatedExplicitVRLittleEndian
    (tmp_path / "a.dcm").write_bytes(two_echoes(syntax))
    (tmp_path / "b.dcm").write_bytes(two_echoes(syntax, shift, number=int(2 * shift)))
    parsed: list[str] = []
    instance = SeriesFile.instance

    def count(file: SeriesFile) -> Instance:
        parsed.append(Path(str(file.name)).name)
        return instance(file)

    monkeypatch.setattr(SeriesFile, "instance", count)
    volume = read_series(tmp_path, stack=0)
    expected = [cells_of(2 * k) for k in range(SLICES) for _ in range(2 if shift else 1)]
    assert np.array_equal(volume.array, np.stack(expected))
    assert max(map(parsed.count, ("a.dcm", "b.dcm"))) <= 2


@pytest.mark.parametrize("wrong", ["no", None, 1])
def test_partial_is_yes_or_no(tmp_path: Path, wrong: object) -> None:
    write_slices(tmp_path, [slice_dataset(k) for k in range(SLICES)])
    with pytest.raises(ArgumentError, match="partial"):
        read_series(tmp_path, partial=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, [], {}, "squeeze"])
def test_gaps_is_a_word(tmp_path: Path, wrong: object) -> None:
    write_slices(tmp_path, [slice_dataset(k) for k in range(SLICES)])
    with pytest.raises(ArgumentError, match="gaps"):
        read_series(tmp_path, gaps=wrong)  # type: ignore[arg-type]
