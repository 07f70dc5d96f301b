"""Frames of 8-bit and 1-bit cells in the 16-bit words of a big-endian file."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fastpix.interop.pydicom_pixels.native import BytesInWordOrder, BytesOfDataset


class Counted(BytesOfDataset):
    """Bytes of a data set, with a note of the largest part that was asked for."""

    largest = 0

    def view(self, start: int, count: int) -> NDArray[np.uint8]:
        """Return bytes, and note how many."""
        self.largest = max(self.largest, count)
        return super().view(start, count)


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_any_part_is_what_the_whole_has_there(size: int) -> None:
    stored = np.arange(20, dtype=np.uint8)
    whole = stored.reshape(-1, 2)[:, ::-1].reshape(-1)
    source = Counted(stored.tobytes())
    in_order = BytesInWordOrder(source)
    for start in range(20 - size + 1):
        assert in_order.view(start, size).tolist() == whole[start : start + size].tolist()
        out = np.empty(size, np.uint8)
        in_order.read(start, out)
        assert out.tolist() == whole[start : start + size].tolist()
    assert source.largest <= size + 2  # no more than the words that the part lies in
