"""Every Python example in the README and under docs runs as it is printed, by itself."""

from __future__ import annotations

import importlib.util
import re
import runpy
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.builders import encode
from support.label_files import contour, segmentation, structure_set
from support.series_files import cells_of, slice_dataset, write_slices

import fastpix
from fastpix.audit.audit_files import write_audit
from fastpix.audit.auditing import make_audit
from fastpix.pseudonyms import Names

ROOT = Path(__file__).parent.parent
# Made by another test; and files of the root, which the site takes in.
WITHOUT_EXAMPLES = {"findings.md", "contributing.md", "changelog.md"}
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in WITHOUT_EXAMPLES),
]
# What is not among the dependencies of the tests.
NEEDS = {"masks.md": "skimage", "monai.md": "monai", "training.md": "torch"}
BLOCKS_NEED = {"fastpix.torch": "torch", ".resample(": "scipy"}  # of one example of a page
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CACHE = re.compile(r'(?:open_cache|CacheDataset|ShardDataset)\("([\w-]+)"')
HELPER = re.compile(r"# (\w+)\.py\n")  # the first line of a block that the reader saves as a file


def make_series(folder: Path) -> None:
    """Write ``series/``: 5 slices."""
    slices = [slice_dataset(k, cells=cells_of(k, 64, 48), RescaleType="HU") for k in range(5)]
    for k, made in enumerate(slices):
        made.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        made.ImagePositionPatient = ["-31.25", "17.5", f"{204.125 + 2.5 * k}"]
    write_slices(folder / "series", slices)


def make_labels(folder: Path) -> None:
    """Write ``series/``, ``seg.dcm`` and ``rtss.dcm``: labels of it."""
    make_series(folder)
    affine = np.diag([2.5, 0.75, 0.5, 1])[[2, 1, 0, 3]]
    affine[:3, 3] = -31.25, 17.5, 204.125
    liver = np.zeros((5, 64, 48), bool)
    liver[1:3, 5:20, 8:30] = True
    made_of = segmentation({1: liver}, affine, names={1: "Liver"})
    (folder / "seg.dcm").write_bytes(encode(made_of))
    square = np.array([[-30, 20, 206.625], [-15, 20, 206.625], [-15, 40, 206.625]])
    (folder / "rtss.dcm").write_bytes(encode(structure_set({"GTV": [contour(square)]})))


def make_audited(folder: Path) -> None:
    """Write ``audit/``, as the command of the page does."""
    make_series(folder)
    write_audit(make_audit(folder / "series", Names(b"k" * 32)).audit, folder / "audit")


# Pages about files that a reader has and pydicom has not. All others begin in an empty folder,
# but for a cache that a block opens: the reader's own, as an earlier example of the page makes it.
GIVEN: dict[str, Callable[[Path], None]] = {
    "audit.md": make_audited,
    "deidentify.md": make_series,
    "masks.md": make_labels,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_example_runs_alone(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a folder and a namespace of its own, and the helpers that its page shows."""
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name], reason=f"{page.name} is about it")
    blocks = BLOCK.findall(page.read_text())
    assert blocks, f"{page.name} has no example"
    helpers = {found[1]: block for block in blocks if (found := HELPER.match(block))}
    for name, text in helpers.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    missing = [s for s, name in BLOCKS_NEED.items() if importlib.util.find_spec(name) is None]
    for number, block in enumerate(blocks, 1):
        if not any(sign in block for sign in missing):
            folder = tmp_path / str(number)
            folder.mkdir()
            if page.name in GIVEN:
                GIVEN[page.name](folder)
            if (opened := CACHE.search(block)) and "convert(" not in block:
                copy_cache(opened[1], tmp_path, folder)
            monkeypatch.chdir(folder)
            try:
                run(block, f"{page.name}, example {number}")
            finally:
                for name in helpers:
                    sys.modules.pop(name, None)


def copy_cache(name: str, page_folder: Path, folder: Path) -> None:
    """Copy a cache, its key and its paths from where an earlier example of the page made it."""
    made = min(page_folder.glob(f"*/{name}"))
    for path in made.parent.glob(f"{name}*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)


def run(block: str, name: str) -> None:
    """Run an example; its warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of MONAI, wherever a LoadImage is made and a library for one of its readers is missing.
        warnings.filterwarnings("ignore", "NvImgCodecPydicomReader", UserWarning)
        try:
            exec(compile(block, name, "exec"), {})
        finally:
            fastpix.backend.disable()


def test_the_picture_of_ratios_is_that_of_its_table() -> None:
    pictures = ROOT / "docs" / "pictures"
    drawings = runpy.run_path(str(pictures / "ratios.py"))["drawings"]()
    assert len(drawings) == 2
    for name, picture in drawings.items():
        assert (pictures / name).read_text() == picture, "run python docs/pictures/ratios.py"


def test_pictures_are_there_and_said_in_words() -> None:
    found = 0
    for page in PAGES:
        for words, path in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / path).is_file(), f"{page.name} shows {path}"
            assert len(words) > 20, f"{page.name}: {path} has no text for who cannot see it"
            found += 1
    assert found > 6
