"""Files that came twice, read with their pixels: what is dropped, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.series_files import cells_of, slice_dataset, write_slices

from fastpix import SeriesError, open_series, read_series


def test_copies_are_compared_and_left_out(tmp_path: Path) -> None:
    write_slices(tmp_path, [slice_dataset(k) for k in (2, 0, 1, 2)])
    assert open_series(tmp_path)[0].codes == ("duplicates",)
    volume = read_series(tmp_path)
    assert np.array_equal(volume.array[2], cells_of(2) - 1024.0)
    (note,) = [note.text for note in volume.notes if "SOP Instance UID" in note.text]
    assert "not compared" not in note


def test_other_pixels_under_one_uid_are_refused(tmp_path: Path) -> None:
    other = slice_dataset(2, cells=cells_of(7))
    write_slices(tmp_path, [slice_dataset(k) for k in range(4)] + [other])
    with pytest.raises(SeriesError) as caught:
        read_series(tmp_path)
    assert caught.value.codes == ("sop_conflict",)


def test_one_uid_in_two_stacks_is_refused_in_both(tmp_path: Path) -> None:
    """The planes of one stack alone do not show it."""
    other = [slice_dataset(k, number=k + 3, cells=cells_of(k, rows=7)) for k in range(4)]
    write_slices(tmp_path, [slice_dataset(k) for k in range(4)] + other)
    for stack in open_series(tmp_path):
        with pytest.raises(SeriesError) as caught:
            stack.read()
        assert caught.value.codes == ("sop_conflict",)


def test_slices_sent_again_are_compared_and_left_out(tmp_path: Path) -> None:
    again = slice_dataset(1, number=1, SOPInstanceUID="1.2.3.4")
    write_slices(tmp_path, [slice_dataset(k) for k in range(4)] + [again])
    (stack,) = open_series(tmp_path)
    assert set(stack.codes) == {"not_compared", "uneven"}
    assert stack.read().array.shape == (4, 6, 5)


def test_a_series_sent_again_is_one_volume(tmp_path: Path) -> None:
    again = [slice_dataset(k, SOPInstanceUID=f"1.2.3.{k}") for k in range(4)]
    write_slices(tmp_path, [slice_dataset(k) for k in range(4)] + again)
    volume = read_series(tmp_path)
    assert volume.array.shape == (4, 6, 5)
    assert not volume.axes


def test_slices_alike_with_other_pixels_are_refused(tmp_path: Path) -> None:
    again = slice_dataset(1, number=1, SOPInstanceUID="1.2.3.4", cells=cells_of(9))
    write_slices(tmp_path, [slice_dataset(k) for k in range(4)] + [again])
    with pytest.raises(SeriesError) as caught:
        read_series(tmp_path)
    assert caught.value.codes == ("uneven",)
