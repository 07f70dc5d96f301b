"""dtype="auto" where values are not whole: float32 holds 24 bits."""

from __future__ import annotations

import numpy as np
import pytest
from support.builders import encode, make_dataset

import fastpix


@pytest.mark.parametrize(("bits", "dtype"), [(23, "float32"), (24, "float32"), (25, "float64")])
def test_bits_of_fractions(bits: int, dtype: str) -> None:
    dataset = make_dataset(
        np.array([[1, 2**bits - 1]], np.uint32),
        BitsStored=bits,
        HighBit=bits - 1,
        RescaleSlope="0.5",
        RescaleIntercept="0",
    )
    values = fastpix.imread(encode(dataset), dtype="auto")
    assert values.dtype == dtype
    assert values.tolist() == [[0.5, (2**bits - 1) / 2]]
