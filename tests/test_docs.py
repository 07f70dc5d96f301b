"""Every Python example in the README and under docs runs as it is printed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pydicom.data
import pytest

import fastpix

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS = {"monai.md": "monai"}  # what is not among the dependencies of the tests
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One namespace a page; ``slice.dcm`` is there to be read."""
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name], reason=f"{page.name} is about it")
    ct = pydicom.data.get_testdata_file("CT_small.dcm")
    (tmp_path / "slice.dcm").write_bytes(Path(str(ct)).read_bytes())
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text())
    assert blocks, f"{page.name} has no example"
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of MONAI, wherever a LoadImage is made and a library for one of its readers is missing.
        warnings.filterwarnings("ignore", "NvImgCodecPydicomReader", UserWarning)
        try:
            for number, block in enumerate(blocks, 1):
                exec(compile(block, f"{page.name}, example {number}", "exec"), namespace)
        finally:
            fastpix.backend.disable()
