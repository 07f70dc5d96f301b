"""What nothing here decodes is told before a job reads its first file whole."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless
from support.builders import element, encode, encode_frames, file_of, make_dataset

import fastpix
from fastpix.errors import DecoderWarning, UnsupportedTransferSyntaxError
from fastpix.frames.codecs import Decoder
from fastpix.job.files import find_files
from fastpix.job.survey import find_undecodable

pytestmark = pytest.mark.usefixtures("quick_processes")
MPEG = "1.2.840.10008.1.2.4.100"
HEVC_IN_FRAGMENTS = "1.2.840.10008.1.2.4.102.1"


def write_files(folder: Path, syntaxes: dict[str, int]) -> Path:
    folder.mkdir()
    for syntax, count in syntaxes.items():
        for k in range(count):
            (folder / f"{syntax}-{k}").write_bytes(
                encode_frames(make_dataset(), syntax, [bytes(64)])
            )
    (folder / "native").write_bytes(encode(make_dataset()))
    (folder / "no meta").write_bytes(encode(make_dataset(), meta=False))
    (folder / "text").write_text("no DICOM at all" * 100)
    (folder / "empty").write_bytes(b"")
    (folder / "cut").write_bytes(encode(make_dataset())[:140])
    return folder


def survey(folder: Path, pinned: str | None = None) -> list[tuple[str, int]]:
    found = find_undecodable(find_files([folder], folder / "out"), pinned)
    return [(error.transfer_syntax, count) for error, count in found]


def test_counts_what_cannot_be_decoded(tmp_path: Path) -> None:
    syntaxes = {MPEG: 2, HEVC_IN_FRAGMENTS: 3, RLELossless: 4, JPEG2000Lossless: 1}
    folder = write_files(tmp_path / "src", syntaxes)
    assert survey(folder) == [(HEVC_IN_FRAGMENTS, 3), (MPEG, 2)]


def test_a_pinned_decoder_has_to_decode_all(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "src", {RLELossless: 2, JPEG2000Lossless: 1})
    assert survey(folder, "pylibjpeg-openjpeg") == [(RLELossless, 2)]
    assert survey(folder, "imagecodecs") == []


def test_a_decoder_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "is_present", lambda _self: False)
    folder = write_files(tmp_path / "src", {JPEGLSLossless: 2})
    ((error, count),) = find_undecodable(find_files([folder], folder / "out"), None)
    assert count == 2
    assert "pip install imagecodecs" in error.remedy


def test_a_syntax_of_no_standard_and_a_long_file_meta(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.write_bytes(file_of(syntax="1.2.3.4"))
    long = tmp_path / "long"  # Private Information Creator and others come behind the syntax
    version = element(0x00020001, "OB", b"\0\1")
    uid = element(0x00020010, "UI", MPEG.encode())
    length = element(0x00020000, "UL", struct.pack("<I", len(version + uid)))
    long.write_bytes(bytes(128) + b"DICM" + length + version + uid)
    assert dict(survey(tmp_path)) == {"1.2.3.4": 1, MPEG: 1}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert find_undecodable(find_files([pipe], tmp_path / "out"), None) == []


def test_the_job_tells_first_and_does_the_rest(tmp_path: Path) -> None:
    src = write_files(tmp_path / "src", {MPEG: 2})
    told: list[object] = []

    def undecodable(found: list[tuple[UnsupportedTransferSyntaxError, int]]) -> None:
        told.extend((error.name, count) for error, count in found)

    summary = fastpix.convert(
        src, tmp_path / "dst", workers=1, on_undecodable=undecodable,
        on_outcome=lambda _file, outcome: told.append(outcome.status),
    )  # fmt: skip
    assert told[0] == ("MPEG2 Main Profile / Main Level", 2)
    assert told[1:].count("converted") == summary.converted == 2
    assert [f.kind for f in summary.failures].count("UnsupportedTransferSyntaxError") == 2


def test_without_a_callback_it_is_a_warning(tmp_path: Path) -> None:
    src = write_files(tmp_path / "src", {MPEG: 2})
    with pytest.warns(DecoderWarning, match=r"^2 files: .*MPEG2.* video library") as caught:
        fastpix.convert(src, tmp_path / "dst", workers=1)
    assert [warning.filename for warning in caught] == [__file__]


def test_the_recipe_of_a_job_pins_its_decoder(tmp_path: Path) -> None:
    cells = np.arange(12, dtype=np.uint16).reshape(3, 4)
    (tmp_path / "src").mkdir()
    rle = struct.pack("<16I", 2, 64, 66, *[0] * 13) + bytes([257 - 12, 0])
    rle += bytes([11, *range(12), 0])
    (tmp_path / "src" / "rle").write_bytes(encode_frames(make_dataset(cells), RLELossless, [rle]))
    recipe = fastpix.Recipe(dtype="uint16", decoder="pylibjpeg-rle")
    summary = fastpix.convert(tmp_path / "src", tmp_path / "dst", workers=1, recipe=recipe)
    assert (summary.converted, summary.failed) == (1, 0)
    (sidecar,) = (tmp_path / "dst").glob("*.json")
    assert '"pylibjpeg-rle ' in sidecar.read_text()
    with np.load(sidecar.with_suffix(".npz")) as kept:
        assert np.array_equal(kept["pixels"], cells)
