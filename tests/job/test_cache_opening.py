"""What is a cache, and what only looks like one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.jobs import Folders
from support.libraries import library

import fastpix
from fastpix.errors import FastpixError
from fastpix.job.cache_opening import is_cache
from fastpix.job.dataset_file import KEY


def test_folders(folders: Folders, in_this_process: None) -> None:
    path = folders.add("a")
    assert not is_cache(folders.dst)
    assert not is_cache(folders.src)
    assert not is_cache(str(path))
    folders.convert()
    assert is_cache(folders.dst)
    assert is_cache(str(folders.dst))
    assert not is_cache(folders.dst / KEY)


def test_a_cache_that_cannot_be_opened_is_told(folders: Folders, in_this_process: None) -> None:
    folders.add("a")
    folders.convert()
    path = folders.dst / KEY
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"version": 99}))
    with pytest.raises(FastpixError, match="version 99"):
        is_cache(folders.dst)
    path.write_text(text[:-20])
    with pytest.raises(FastpixError, match="damaged"):
        is_cache(folders.dst)


@pytest.mark.parametrize(
    "theirs", [{"labels": {"0": "background"}, "numTraining": 3}, [], {"version": "1.0"}], ids=str
)
def test_other_programs_have_a_dataset_json_too(folders: Folders, theirs: object) -> None:
    """nnU-Net, for one: its folder may be a source of DICOM files, and no cache is opened there."""
    folders.add("a")
    (folders.src / KEY).write_text(json.dumps(theirs))
    assert not is_cache(folders.src)
    with pytest.raises(FastpixError):
        fastpix.open_cache(folders.src)


def test_urls(tmp_path: Path) -> None:
    library("obstore")
    assert not is_cache(f"memory:///{tmp_path.name}")
    assert not is_cache("ftp://example.org/files")  # that fsspec reads files from
