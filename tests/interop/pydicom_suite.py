"""pydicom's own tests, with functions of fastpix under pydicom's names: `nox -s pydicom`.

    python tests/interop/pydicom_suite.py FOLDER

FOLDER is unpacked from pydicom's source distribution, of the version that is installed. Each of its
test files that `SWAPS` names is run twice: as it is, and with a swap. A test that passes as it is
has to pass with the swap. Tests whose data would have to be downloaded fail both times.

As a plugin of pytest (``-p pydicom_suite``), this module makes the swap that FASTPIX_SWAP names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

PIXELS = ("pixel_array", "iter_pixels")
PROCESSING = (
    "apply_color_lut", "apply_modality_lut", "apply_rescale", "apply_voi", "apply_voi_lut",
    "apply_windowing", "convert_color_space",
)  # fmt: skip
_PIXEL_TESTS = (
    "tests/pixels/test_decoder_base.py", "tests/pixels/test_decoder_gdcm.py",
    "tests/pixels/test_decoder_native.py", "tests/pixels/test_decoder_pillow.py",
    "tests/pixels/test_decoder_pyjpegls.py", "tests/pixels/test_decoder_pylibjpeg.py",
    "tests/pixels/test_decoder_rle.py", "tests/pixels/test_processing.py",
    "tests/pixels/test_utils.py",
)  # fmt: skip
SWAPS = {
    "dcmread": (
        "tests/test_filereader.py", "tests/test_rawread.py", "tests/test_charset.py",
        "tests/test_unicode.py", "tests/test_hooks.py", "tests/test_fileset.py",
        "tests/test_dataset.py", "tests/test_sequence.py", "tests/test_filewriter.py",
    ),
    "plugin": _PIXEL_TESTS,
    "pixels": _PIXEL_TESTS,
}  # fmt: skip


def swap(name: str) -> None:
    """Put functions of fastpix in the place of pydicom's."""
    import pydicom
    from pydicom import filereader, pixels
    from pydicom.pixels import processing, utils

    import fastpix

    if name == "dcmread":
        pydicom.dcmread = filereader.dcmread = fastpix.dcmread
    elif name == "plugin":
        fastpix.backend.enable()
    elif name == "pixels":
        for functions, home in ((PIXELS, utils), (PROCESSING, processing)):
            for function in functions:
                for module in (pixels, home):
                    setattr(module, function, getattr(fastpix, function))


def passed(folder: Path, files: tuple[str, ...], name: str) -> set[str]:
    """Run test files with a swap, or none, and return the names of the tests that pass."""
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.xml"
        settings = {"FASTPIX_SWAP": name, "PYTHONPATH": str(Path(__file__).parent)}
        options = [
            "-q",
            "-p",
            "pydicom_suite",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            f"--rootdir={folder}",
            f"--junitxml={report}",
            "--tb=no",
            "-W",
            "ignore",
        ]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *files],
            cwd=folder,
            env=os.environ | settings,
            check=False,
            stdout=subprocess.DEVNULL,
        )
        cases = ElementTree.parse(report).iter("testcase")
        return {
            f"{case.get('classname')}.{case.get('name')}"
            for case in cases
            if all(child.tag not in ("failure", "error", "skipped") for child in case)
        }


def main(folder: Path) -> int:
    """Run all; print the tests that a swap makes fail."""
    faults = 0
    as_it_is: dict[tuple[str, ...], set[str]] = {}
    for name, files in SWAPS.items():
        if files not in as_it_is:
            as_it_is[files] = passed(folder, files, "")
        wanted = as_it_is[files]
        lost = sorted(wanted - passed(folder, files, name))
        print(f"{name}: {len(wanted) - len(lost)} of {len(wanted)} tests of pydicom's pass")
        print(*lost, sep="\n", end="\n" if lost else "")
        faults += len(lost) + (not wanted)
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
elif "FASTPIX_SWAP" in os.environ:
    import pydicom.data.download

    pydicom.data.download._SIMULATE_NETWORK_OUTAGE = True
    swap(os.environ["FASTPIX_SWAP"])
