"""Whether an installed fastpix works: it reads a file of pydicom's with each kernel, and is right.

Needs nothing but fastpix and what it depends on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file

import fastpix

SOURCE = Path(__file__).resolve().parent.parent / "src"


def main() -> None:
    """Print what is installed; raise where it is wrong."""
    said = subprocess.run(
        [sys.executable, "-m", "fastpix", "--version"], capture_output=True, text=True, check=True
    ).stdout
    print(said, end="")
    assert said.startswith(f"fastpix {fastpix.__version__}\n"), said
    assert SOURCE not in Path(fastpix.__file__).parents, (
        "that is the source, and not what is installed"
    )
    path = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(path, str)
    dataset = dcmread(path)
    expected = dataset.pixel_array * np.float64(dataset.RescaleSlope) + dataset.RescaleIntercept
    for kernel in fastpix.kernels():
        with fastpix.use_kernel(kernel):
            values = fastpix.imread(path)
        assert values.dtype == np.float32
        assert np.array_equal(values, expected.astype(np.float32)), kernel
    print(f"{Path(path).name} is right by {', '.join(fastpix.kernels())}")


if __name__ == "__main__":
    main()
