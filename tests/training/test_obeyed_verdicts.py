"""DicomDataset and verdicts on sources: left out, exchanged, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.libraries import library

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe  # noqa: E402
from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.header.instance import read_instance  # noqa: E402
from fastpix.source.stored import Memory  # noqa: E402
from fastpix.sources.source_key import BY, source_id, source_key  # noqa: E402
from fastpix.sources.unseen_sources import UnseenSourceError  # noqa: E402
from fastpix.sources.verdict_writing import write_verdicts  # noqa: E402
from fastpix.sources.verdicts import Status, Verdict, Verdicts  # noqa: E402
from fastpix.torch import CacheDataset, DicomDataset  # noqa: E402

pytestmark = pytest.mark.usefixtures("in_this_process")
COUNT = 12


def image(number: int, photometric: str = "MONOCHROME2") -> bytes:
    """Images of three makers in turn, alike in all else but their values."""
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 2 + number
    return encode(
        make_dataset(values, PhotometricInterpretation=photometric, Modality="CR",
                     Manufacturer="ABC"[number % 3], SOPInstanceUID=f"1.2.{number}")
    )  # fmt: skip


@pytest.fixture
def paths(folders: Folders) -> list[Path]:
    return [folders.add(f"{k:02}.dcm", image(k)) for k in range(COUNT)]


@pytest.fixture
def key_file(folders: Folders) -> Path:
    folders.names()
    return folders.dst.with_name("dst.key")


def verdicts(folders: Folders, **statuses: Status) -> Verdicts:
    names = folders.names()
    found = {}
    for maker, status in statuses.items():
        key = source_key(read_instance(Memory(image("ABC".index(maker))), 2**20))
        found[source_id(key, names)] = Verdict(status)
    return Verdicts(found, BY, names.fingerprint)


def expected(number: int, recipe: Recipe) -> Any:
    """What imread gives of a file that says the other where its maker is B."""
    photometric = "MONOCHROME1" if number % 3 == 1 else "MONOCHROME2"
    return fastpix.imread(image(number, photometric), recipe=recipe)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(invert="range")])
def test_verdicts_are_obeyed(
    folders: Folders, paths: list[Path], key_file: Path, recipe: Recipe
) -> None:
    toml = key_file.with_name("sources.toml")
    write_verdicts(toml, verdicts(folders, A="accept", B="invert", C="exclude"))
    for source in (folders.src, paths):
        dataset = DicomDataset(source, recipe=recipe, sources=toml, key_file=key_file)
        numbers = [int(Path(name).stem) for name in dataset.names]
        assert numbers == [k for k in range(COUNT) if k % 3 != 2]
        # Batches of either kind, of both, and in any order, one after the other.
        for places in ([0, 2, 4, 6], [1, 3, 5, 7], [0, 1, 2, 3, 4, 5, 6, 7], [7, 0], [1], [0]):
            for item, place in zip(dataset.__getitems__(places), places, strict=True):
                assert np.array_equal(item["image"][0], expected(numbers[place], recipe))
                assert item["name"] == dataset.names[place]
    # What is read after it without verdicts is as the files have it.
    assert np.array_equal(DicomDataset(paths, recipe=recipe)[1]["image"][0],
                          fastpix.imread(paths[1], recipe=recipe))  # fmt: skip


def test_unseen_sources(folders: Folders, paths: list[Path], key_file: Path) -> None:
    given: dict[str, Any] = {"sources": verdicts(folders, A="accept"), "key_file": key_file}
    with pytest.raises(UnseenSourceError, match=r"\(4 images\), \w+ \(4 images\): open") as caught:
        DicomDataset(folders.src, **given)
    assert len(caught.value.sources) == 2
    names = [f"unknown-{folders.names().of_text(maker)[:12]}" for maker in "ABC"]
    assert len(DicomDataset(folders.src, allow_unseen=True, **given)) == COUNT
    assert len(DicomDataset(paths[:1], **given)) == 1
    assert len(DicomDataset(folders.src, filter=lambda row: row["manufacturer"] == names[0],
                            **given)) == 4  # fmt: skip


def test_a_cache_of_sources_has_obeyed_its_verdicts(folders: Folders, paths: list[Path]) -> None:
    given = verdicts(folders, A="accept", B="invert", C="exclude")
    folders.convert(format="index", sources=given)
    names = {folders.name(path): k for k, path in enumerate(paths)}
    dataset = DicomDataset(folders.dst)
    assert len(dataset) == 8
    for item in dataset.__getitems__(list(range(8))):
        assert np.array_equal(item["image"][0], expected(names[item["name"]], Recipe()))
    with pytest.raises(ArgumentError, match="sources: a cache has obeyed its verdicts"):
        DicomDataset(folders.dst, sources=given, key_file=folders.dst.with_name("dst.key"))


def test_a_stale_cache_is_refused(
    folders: Folders, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.convert(sources=verdicts(folders, A="accept", B="accept", C="accept"))
    assert len(CacheDataset(folders.dst)) == COUNT
    monkeypatch.setattr("fastpix.job.conversion.drive", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        folders.convert(sources=verdicts(folders, A="accept", B="invert", C="accept"))
    with pytest.raises(FastpixError, match="4 files of this cache were converted under another"):
        CacheDataset(folders.dst)


def test_a_file_that_cannot_be_read(folders: Folders, paths: list[Path], key_file: Path) -> None:
    given: dict[str, Any] = {"sources": verdicts(folders, A="accept", B="invert", C="invert")}
    for number in (1, 3):  # of either kind
        dataset = DicomDataset(paths, key_file=key_file, on_error="skip", **given)
        paths[number].write_bytes(image(number)[:-5])
        items = dataset.__getitems__(list(range(6)))
        assert [item["index"] for item in items] == [k for k in range(6) if k not in (1, number)]
        assert str(paths[number]) in dataset.skipped
        with pytest.raises(FastpixError):
            DicomDataset(paths, key_file=key_file, **given).__getitems__([0, 1, 2, 3])


def test_arguments(folders: Folders, paths: list[Path], tmp_path: Path) -> None:
    given = verdicts(folders, A="accept")
    for key_file in (None, tmp_path / "none.key"):
        with pytest.raises(ArgumentError, match="key_file: ids of sources are keyed"):
            DicomDataset(paths, sources=given, key_file=key_file)
    other = tmp_path / "other.key"
    from fastpix.pseudonyms import load_key

    load_key(other, None)
    with pytest.raises(ArgumentError, match="made with another key"):
        DicomDataset(paths, sources=given, key_file=other)
    with pytest.raises(ArgumentError, match="filter and verdicts leave none"):
        DicomDataset(paths, sources=verdicts(folders, A="exclude", B="exclude", C="exclude"),
                     key_file=folders.dst.with_name("dst.key"))  # fmt: skip
