"""A cache that keeps no copy: where pixels lie in the DICOM files, which must still be there."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders, quiet_imread
from support.real_files import WHEEL

import fastpix
from fastpix import FastpixError, Recipe

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_values_are_those_of_the_files(folders: Folders) -> None:
    for k, dtype in enumerate((np.int16, np.uint8, np.uint16)):
        cells = np.arange(12, dtype=dtype).reshape(3, 4) - (5 if dtype == np.int16 else 0)
        bits = 8 * cells.itemsize - (4 if cells.itemsize > 1 else 0)
        folders.add(str(k), encode(make_dataset(cells, BitsStored=bits, RescaleSlope="2",
                                                RescaleIntercept="-1")))  # fmt: skip
    folders.add("compressed", (WHEEL / "MR_small_RLE.dcm").read_bytes())
    summary = folders.convert(format="index")
    assert (summary.converted, summary.failed) == (3, 1)
    cache = folders.cache()
    assert sum(path.stat().st_size for path in folders.dst.rglob("*.tar")) == 0
    for k in range(3):
        path = folders.src / str(k)
        wanted = quiet_imread(path, Recipe())
        assert cache[folders.name(path)].tobytes() == wanted.tobytes()
    for k in range(3):
        cache.verify(k)
    (folders.src / "0").unlink()
    with pytest.raises(FastpixError, match="cannot be opened"):
        folders.cache()[folders.name(folders.src / "0")]
    data = bytearray((folders.src / "1").read_bytes())
    data[-3] ^= 1
    (folders.src / "1").write_bytes(data)
    with pytest.raises(FastpixError, match="has changed"):
        folders.cache().verify(folders.name(folders.src / "1"))


def test_paths_stay_outside(folders: Folders) -> None:
    folders.add("DOE^JOHN", encode(make_dataset()))
    folders.convert(format="index")
    for path in folders.dst.rglob("*"):
        assert b"DOE" not in os.fsencode(path.name)
        assert not path.is_file() or b"DOE" not in path.read_bytes()
    assert fastpix.open_cache(folders.dst)[0].shape == (2, 3)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_of_archives_are_refused(kind: str, folders: Folders) -> None:
    """They may be compressed, and the index has no place for what they lie in."""
    folders.add("a", encode(make_dataset()))
    archive = shutil.make_archive(str(folders.src.with_name("packed")), kind, folders.src)
    summary = fastpix.convert(archive, folders.dst, format="index", workers=1)
    assert (summary.converted, summary.failed) == (0, 1)
    ((reason, _),) = summary.reasons()
    assert "in a file of their own: choose format='tar'" in reason
    assert len(folders.cache()) == 0
