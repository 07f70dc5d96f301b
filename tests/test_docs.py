"""Every Python example in the README and under docs runs as it is printed."""

from __future__ import annotations

import importlib.util
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from support.builders import encode
from support.label_files import contour, segmentation, structure_set
from support.series_files import cells_of, slice_dataset, write_slices

import fastpix
from fastpix.audit.audit_files import write_audit
from fastpix.audit.auditing import make_audit
from fastpix.pseudonyms import Names

ROOT = Path(__file__).parent.parent
GENERATED = {"findings.md"}  # by another test, and without examples
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in GENERATED),
]
# What is not among the dependencies of the tests.
NEEDS = {"masks.md": "skimage", "monai.md": "monai", "training.md": "torch"}
BLOCKS_NEED = {"fastpix.torch": "torch", ".resample(": "scipy"}  # of one example of a page
STRAIGHT: dict[str, Any] = {
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "RescaleType": "HU",
}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One namespace a page; ``slice.dcm``, ``gaps/``, ``series/`` with its labels and audit."""
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name], reason=f"{page.name} is about it")
    ct = pydicom.data.get_testdata_file("CT_small.dcm")
    (tmp_path / "slice.dcm").write_bytes(Path(str(ct)).read_bytes())
    slices = [slice_dataset(k, cells=cells_of(k, 64, 48), **STRAIGHT) for k in range(5)]
    for k, made in enumerate(slices):
        made.ImagePositionPatient = ["-31.25", "17.5", f"{204.125 + 2.5 * k}"]
    write_slices(tmp_path / "series", slices)
    write_slices(tmp_path / "gaps", [made for k, made in enumerate(slices) if k != 2])
    affine = np.diag([2.5, 0.75, 0.5, 1])[[2, 1, 0, 3]]
    affine[:3, 3] = -31.25, 17.5, 204.125
    liver = np.zeros((5, 64, 48), bool)
    liver[1:3, 5:20, 8:30] = True
    made_of = segmentation({1: liver}, affine, names={1: "Liver"})
    (tmp_path / "seg.dcm").write_bytes(encode(made_of))
    square = np.array([[-30, 20, 206.625], [-15, 20, 206.625], [-15, 40, 206.625]])
    (tmp_path / "rtss.dcm").write_bytes(encode(structure_set({"GTV": [contour(square)]})))
    if page.name == "audit.md":
        write_audit(make_audit(tmp_path / "series", Names(b"k" * 32)).audit, tmp_path / "audit")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text())
    assert blocks, f"{page.name} has no example"
    missing = [s for s, name in BLOCKS_NEED.items() if importlib.util.find_spec(name) is None]
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of MONAI, wherever a LoadImage is made and a library for one of its readers is missing.
        warnings.filterwarnings("ignore", "NvImgCodecPydicomReader", UserWarning)
        try:
            for number, block in enumerate(blocks, 1):
                if any(sign in block for sign in missing):
                    continue
                exec(compile(block, f"{page.name}, example {number}", "exec"), namespace)
        finally:
            fastpix.backend.disable()


def test_pictures_are_there_and_said_in_words() -> None:
    found = 0
    for page in PAGES:
        for words, path in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / path).is_file(), f"{page.name} shows {path}"
            assert len(words) > 20, f"{page.name}: {path} has no text for who cannot see it"
            found += 1
    assert found > 6
