"""The command as a person runs it: what it prints, its exit codes, and that no patient is in it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from support.builders import (
    element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    make_dataset,
    make_item,
    set_raw,
)
from support.codestream_cases import BASELINE, file_of_frames, jpeg
from support.real_files import WHEEL
from support.sizes import in_the_gate, is_quick
from support.waiting import wait_until

import fastpix
from fastpix.cli import main
from fastpix.pseudonyms import Names, load_key
from fastpix.standard.tags import Tag

pytestmark = pytest.mark.usefixtures("quick_processes")
COMMAND = [sys.executable, "-c", "from fastpix.cli import main; main()"]
BIN = Path(sys.executable).parent


def run(
    *arguments: object,
    stdin: bytes = b"",
    cwd: Path | None = None,
    code: int = 0,
    env: dict[str, str] | None = None,
) -> str:
    """Run the command; return what it printed, errors included, after a look at the exit code.

    It has a process of its own in the gate, and where it is given an environment.
    """
    texts = [os.fsdecode(a) if isinstance(a, bytes) else str(a) for a in arguments]
    if is_quick() and env is None:
        ended, data = run_here(texts, stdin, cwd)
    else:
        process = subprocess.run(
            [*COMMAND, *texts],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=os.environ | (env or {}),
            timeout=120,
            check=False,
        )
        ended, data = process.returncode, process.stdout
    log = data.decode("utf-8", "surrogateescape")
    assert ended == code, log
    assert "Traceback" not in log
    return log


def run_here(arguments: list[str], stdin: bytes, cwd: Path | None) -> tuple[object, bytes]:
    """Run the command in this process; return its exit code, and the bytes that it printed."""
    printed = io.BytesIO()
    stream = io.TextIOWrapper(printed, "utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(cwd or "."):
        patch.setattr(sys, "argv", ["fastpix", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        with pytest.raises(SystemExit) as caught:
            main()
        stream.flush()
    return caught.value.code, printed.getvalue()


PRESENT = "done in an earlier run, and unchanged"


def counts(log: str) -> dict[str, int]:
    """Read the table at the end of a job."""
    rows = re.findall(r"^│ *(\d+) │ (.*?) *│$", log, re.MULTILINE)
    return {text: int(number) for number, text in rows}


def failures(dst: Path) -> list[dict[str, str]]:
    rows = fastpix.read_manifest(dst).to_pylist()
    return [row for row in rows if row["status"] == "failed"]


def age(folder: Path) -> None:
    """Make files look as if nobody had written to them for a while."""
    for path in folder.rglob("*"):
        os.utime(path, (10**9, 10**9))


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """Two images, one cut off, one text."""
    folder = tmp_path / "src"
    (folder / "sub").mkdir(parents=True)
    whole = encode(make_dataset())
    (folder / "a.dcm").write_bytes(whole)
    (folder / "sub" / "b").write_bytes(whole)
    (folder / "cut").write_bytes(whole[:-2])
    (folder / "readme.txt").write_text("no image")
    age(folder)
    return folder


# No patient data

MARK = "Zqxvj"  # in every text that is planted, in one case or another
DATE, TIME, AGE = "18570314", "031459.271828", "137Y"
NUMBER, WHOLE = "867530.91551", "867530915"
UID_MARK = "1.2.840.99999.867530915"
NUMBERS = (DATE, TIME, AGE, NUMBER, WHOLE)

# What decides about pixels, and so cannot hold just any text in an image that is converted.
DECIDING = {int(tag) for tag in Tag} | {0x00280030, 0x00200037, 0x00080005}
FREE_TEXT = {
    Tag.Modality,
    Tag.RescaleType,
    Tag.Units,
    Tag.DoseUnits,
    Tag.ModalityLUTType,
    Tag.PresentationLUTShape,
    Tag.PixelPresentation,
    Tag.SegmentationType,
}


def planted(vr: str, tag: int) -> bytes | None:
    """Return what is planted in an attribute of a VR; None for VRs that hold no text."""
    mark = f"{MARK}{tag:08X}"
    texts = {
        "AE": mark, "CS": mark.upper(), "SH": mark, "LO": mark, "LT": mark, "ST": mark, "UC": mark,
        "UT": mark, "PN": f"{mark}^{MARK}^{MARK}", "UR": f"http://{mark}/", "UN": mark,
        "DA": DATE, "TM": TIME, "DT": DATE + TIME, "AS": AGE, "DS": NUMBER, "IS": WHOLE,
        "UI": f"{UID_MARK}.{tag}",
    }  # fmt: skip
    text = texts.get(vr)
    return None if text is None else text.encode() + b" " * (len(text) % 2)


def plant(dataset: Dataset) -> Dataset:
    """Plant patient data in every text attribute that the standard knows, and in private ones."""
    for tag, (vr, *_) in DicomDictionary.items():
        if tag >> 16 < 8 or (tag in DECIDING and tag not in FREE_TEXT):
            continue
        value = planted(vr, tag)
        if value is not None:
            set_raw(dataset, tag, vr, value)
    for group in (0x0009, 0x2005, 0x0029):
        set_raw(dataset, group << 16 | 0x10, "LO", f"Philips {MARK} {group:04X} ".encode())
        for place, vr in enumerate(("LO", "UN", "UT", "PN", "DA", "UI", "ST")):
            value = planted(vr, group << 16 | 0x1001 + place)
            assert value is not None
            set_raw(dataset, group << 16 | 0x1001 + place, vr, value)
        set_raw(dataset, group << 16 | 0x100E, "FL", struct.pack("<f", 2.0))
    set_raw(dataset, 0x60000022, "LO", planted("LO", 0x60000022) or b"")
    set_raw(dataset, 0x60001500, "LO", planted("LO", 0x60001500) or b"")
    return dataset


def plant_deep(dataset: Dataset) -> Dataset:
    """Plant as well in items of sequences, and in items of theirs."""
    plant(dataset)
    inner = plant(make_item())
    middle = plant(make_item(ModifiedAttributesSequence=[inner]))
    dataset.OriginalAttributesSequence = [middle]
    mapping = plant(make_item(LUTLabel=MARK, RealWorldValueSlope=2.0))
    shared = plant(make_item(RealWorldValueMappingSequence=[mapping]))
    dataset.SharedFunctionalGroupsSequence = [shared]
    return dataset


def with_meta(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Encode with patient data in the preamble and the File Meta."""
    body = encode(dataset, meta=False)
    meta = element(0x00020001, "OB", b"\0\1")
    for tag, vr in ((0x00020002, "UI"), (0x00020003, "UI")):
        meta += element(tag, vr, planted(vr, tag) or b"")
    meta += element(0x00020010, "UI", syntax.encode())
    meta += element(0x00020012, "UI", planted("UI", 0x00020012) or b"")
    for tag, vr in ((0x00020013, "SH"), (0x00020016, "AE"), (0x00020017, "AE"), (0x00020018, "AE"),
                    (0x00020026, "UR")):  # fmt: skip
        meta += element(tag, vr, planted(vr, tag) or b"")
    meta += element(0x00020100, "UI", f"{UID_MARK}.1".encode())
    meta += element(0x00020102, "OB", MARK.encode())
    length = element(0x00020000, "UL", struct.pack("<I", len(meta)))
    preamble = f"{MARK} in the preamble".encode().ljust(128, b"\0")
    return preamble + b"DICM" + length + meta + body


SMALL_CELLS = np.arange(6, dtype=np.uint16).reshape(2, 3)


def full_of_patient_data() -> bytes:
    """Return an image with patient data in all of its attributes, and in those of deep items."""
    return with_meta(plant_deep(make_dataset(SMALL_CELLS)))


def patient_files() -> dict[str, tuple[bytes, str]]:
    """Return files full of patient data, and what is to become of each."""
    small = SMALL_CELLS
    pt = set_raw(make_dataset(small), Tag.RescaleSlope, "DS", b"2 ")
    lut = make_item(LUTDescriptor=[6, 0, 16], LUTData=struct.pack("<6H", *range(6)))
    plant(lut)
    table = make_dataset(small, ModalityLUTSequence=[lut])
    dose = plant(make_dataset(small, DoseGridScaling="0.5"))
    charset = plant_deep(make_dataset(small, SpecificCharacterSet="ISO_IR 192"))
    no_charset = with_meta(charset).replace(b"ISO_IR 192", f"{MARK} 1857".encode())
    whole = full_of_patient_data()
    named = _modality(plant(make_dataset(small)), "CT")
    named.Manufacturer = f"SIEMENS {MARK}"
    named.ManufacturerModelName = f"SOMATOM Definition Flash {MARK}"
    files = {
        "everything": (whole, "converted"),
        "unit": (with_meta(_modality(plant_deep(pt), "PT")), "converted"),
        "table": (with_meta(plant(table)), "converted"),
        "dose": (with_meta(_modality(dose, "RTDOSE")), "converted"),
        "charset": (no_charset, "converted"),
        "maker": (with_meta(named), "converted"),
        "own class": (with_meta(plant(make_dataset(small, SOPClassUID=UID_MARK))), "converted"),
        "bare": (encode(plant_deep(make_dataset(small)), meta=False), "converted"),
        "cut off": (whole[:-3], "failed"),
        "cut in the text": (whole[: len(whole) // 2], "failed"),
        "not dicom": (f"{MARK} {DATE} ".encode() * 100, "not an image"),
        "report": (with_meta(plant_deep(_without_pixels(make_dataset(small)))), "not an image"),
        "syntax": (with_meta(plant(make_dataset(small)), f"{UID_MARK}.7"), "failed"),
        "syntax text": (with_meta(plant(make_dataset(small)), MARK), "failed"),
        "codestream": (
            encode_frames(make_dataset(small), RLELossless, [MARK.encode() * 20]),
            "failed",
        ),
        "class": (
            file_of(
                element(Tag.SOPClassUID, "UI", UID_MARK.encode()),
                element(0x00100010, "PN", MARK.encode()),
            ),
            "not an image",
        ),
    }
    for tag, vr in FAILING.items():
        for kind in {vr, "LO", "UT"}:
            name = f"{tag.name} as {kind}"
            files[name] = (_with_text(tag, kind), "failed")
    return files


FAILING = {
    Tag.RescaleSlope: "DS",
    Tag.RescaleIntercept: "DS",
    Tag.NumberOfFrames: "IS",
    Tag.Rows: "US",
    Tag.Columns: "US",
    Tag.SamplesPerPixel: "US",
    Tag.BitsAllocated: "US",
    Tag.BitsStored: "US",
    Tag.HighBit: "US",
    Tag.PixelRepresentation: "US",
    Tag.PhotometricInterpretation: "CS",
    Tag.ModalityLUTSequence: "SQ",
}


def _with_text(tag: int, vr: str) -> bytes:
    """Encode an image with patient data where a number, or one of a few terms, decides."""
    elements = [
        element(tag, vr, MARK.encode() + b"!"),
        element(0x00100010, "PN", MARK.encode()),
    ]
    return file_of(*image_elements(extra=elements), element(Tag.PixelData, "OW", bytes(12)))


def _modality(dataset: Dataset, modality: str) -> Dataset:
    dataset.Modality = modality
    return dataset


def _without_pixels(dataset: Dataset) -> Dataset:
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "SOPClassUID"):
        delattr(dataset, keyword)
    return dataset


@cache
def traces() -> list[bytes]:
    """Return what may be found nowhere, in lower case."""
    texts = [MARK, *NUMBERS, UID_MARK]
    encodings = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")
    return [text.lower().encode(encoding) for text in texts for encoding in encodings]


def search(data: bytes, what: object) -> None:
    folded = data.lower()
    for trace in traces():
        assert trace not in folded, (
            f"{trace!r} is in {what}: {folded[max(0, folded.index(trace) - 60) :][:150]!r}"
        )


def everything_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of all files under a folder, and of what is in archives."""
    for path in sorted(folder.rglob("*")):
        yield f"the name of {path}", os.fsencode(path.relative_to(folder))
        if path.is_file():
            yield str(path), path.read_bytes()
        if path.suffix == ".parquet":
            with parquet.ParquetFile(path, pre_buffer=False) as opened:
                table = opened.read(use_threads=False)
            yield f"the rows of {path}", json.dumps(table.to_pylist()).encode()
            yield f"the metadata of {path}", repr(table.schema.metadata).encode()
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                yield f"comment of {path}", archive.comment
                for info in archive.infolist():
                    yield f"{info.filename} in {path}", info.filename.encode() + info.comment
                    yield f"{info.filename} in {path}", info.extra + archive.read(info)


def test_no_patient_data_anywhere(tmp_path: Path) -> None:
    source = tmp_path / f"{MARK} family" / DATE
    source.mkdir(parents=True)
    wanted: dict[str, int] = {"converted": 0, "failed": 0, "not an image": 0}
    digests = []
    for name, (data, status) in patient_files().items():
        assert MARK.lower().encode() in data.lower()
        path = source / f"{MARK}^{name} {AGE}.dcm"
        path.write_bytes(data)
        wanted[status] += 1
        for text in (str(path), path.name, f"{UID_MARK}.{0x00080018}"):
            digests += [hashlib.new(kind, text.encode()).hexdigest() for kind in ("md5", "sha256")]
    age(source)
    dst, other = tmp_path / "dst", tmp_path / "other"
    options = ("--format", "npz", "--dtype", "auto", "--invert", "range", "--padding", 7)
    for arguments in ((source.parent, dst), (source.parent, dst), (source, other, *options)):
        log = run("convert", *arguments, "--workers", 2, code=1)
        search(log.encode(), "the log")
        found = counts(log)
        present = wanted["converted"] + wanted["not an image"]
        assert found["converted"] + found[PRESENT] in (wanted["converted"], present), log
        known = found.get("failed in an earlier run, and unchanged (--retry-failed tries again)", 0)
        assert found["failed"] + known == wanted["failed"]
        if found["converted"]:
            assert found["not images"] == wanted["not an image"]
    assert len(list(other.glob("*.npz"))) == wanted["converted"]
    for folder in (dst, other):
        assert len(fastpix.open_cache(folder)) == wanted["converted"]
        assert len(failures(folder)) == wanted["failed"]
        for where, data in everything_under(folder):
            search(data, where)
            for digest in digests:
                assert digest[:12].encode() not in data, f"a hash without key in {where}"


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    """The test above would fail: in names, in arrays, in any case, in UTF-16, packed or not."""
    for text in (MARK.upper(), f"xx{DATE}", "\\".join([MARK.lower()] * 2), UID_MARK):
        for encoding in ("utf-8", "utf-16"):
            with pytest.raises(AssertionError, match="is in here"):
                search(text.encode(encoding), "here")
    np.savez_compressed(tmp_path / "a.npz", pixels=np.frombuffer(MARK.encode() * 9, np.uint8))
    (tmp_path / MARK).mkdir()
    found = 0
    for _, data in everything_under(tmp_path):
        try:
            search(data, "here")
        except AssertionError:
            found += 1
    assert found == 2
    everything = full_of_patient_data()
    assert everything.lower().count(MARK.lower().encode()) > 5000
    for trace in NUMBERS:
        assert everything.count(trace.encode()) >= 10


# fastpix convert


def test_summary_failures_and_exit_codes(src: Path, tmp_path: Path) -> None:
    dst = tmp_path / "dst"
    log = run("convert", src, dst, code=1)
    lines = log.splitlines()
    assert re.fullmatch(r"4 files, 0\.0 MB read in \d+\.\d s \(\d+ files/s\)", lines[0].strip())
    table = counts(log)
    assert {key: table[key] for key in ("converted", PRESENT, "not images", "failed")} == {
        "converted": 2, PRESENT: 0, "not images": 1, "failed": 1,
    }  # fmt: skip
    assert "PixelDataError: Pixel Data (7FE0,0010) holds 10 bytes, 12 are needed" in log
    assert lines[-2:] == ["Which files failed, and why:", f"  fastpix locate {dst}"]
    assert "\x1b" not in log
    assert "\r" not in log
    (failure,) = failures(dst)
    assert failure["error"] == "PixelDataError"

    (src / "cut").unlink()
    table = counts(run("convert", src, dst, "--prune", code=0))
    assert table[PRESENT] == 3
    assert table["not in the source any more: removed"] == 1
    assert failures(dst) == []


def test_locate_names_the_files_behind_failures(
    src: Path, tmp_path: Path, call: Callable[..., str]
) -> None:
    dst = tmp_path / "dst"
    run("convert", src, dst, code=1)
    (failure,) = failures(dst)
    told = f"{failure['name']}\t{src / 'cut'}\tPixelDataError: {failure['reason']}\n"
    assert call("locate", dst) == told
    assert call("locate", src, dst) == told
    name = Names(load_key(tmp_path / "dst.key", dst)).of_path("a.dcm")
    assert name in fastpix.open_cache(dst).names
    wanted = f"{name}\t{src / 'a.dcm'}\n"
    assert call("locate", dst, "--name", name) == wanted
    assert "1 name not found" in call("locate", dst, "--name", "0" * 32, code=1)
    shutil.rmtree(tmp_path / "dst.paths.parquet")
    assert "the paths of this cache are not here" in call("locate", dst, code=1)
    assert call("locate", src, dst) == told
    (tmp_path / "dst.key").unlink()
    assert "dst.key: No such file" in call("locate", src, dst, code=1)
    assert not (tmp_path / "dst.key").exists()


def test_the_private_files_are_for_their_owner(src: Path, tmp_path: Path) -> None:
    run("convert", src, tmp_path / "dst", code=1)
    assert (tmp_path / "dst.key").stat().st_mode & 0o777 == 0o600
    paths = tmp_path / "dst.paths.parquet"
    assert paths.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in paths.iterdir()} == {0o600}


def test_root_and_key_file(src: Path, tmp_path: Path, call: Callable[..., str]) -> None:
    """Names relative to a root are the same after a move."""
    dst, key_file = tmp_path / "dst", tmp_path / "my key"
    run("convert", src / "sub", dst, "--root", src, "--key-file", key_file)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["my key"]
    names = Names(load_key(key_file, dst))
    assert fastpix.open_cache(dst).names == [names.of_path("sub/b")]
    moved = tmp_path / "moved"
    src.rename(moved)
    log = run("convert", moved / "sub", dst, "--root", moved, "--key-file", key_file)
    assert counts(log)[PRESENT] == 1


def test_manifest_verify_and_gc(src: Path, tmp_path: Path, call: Callable[..., str]) -> None:
    dst = tmp_path / "dst"
    run("convert", src, dst, code=1)
    assert "4 rows" in call("manifest", dst)
    rows = [json.loads(line) for line in call("manifest", dst, "--json").splitlines()]
    assert sorted(row["status"] for row in rows) == ["done", "done", "failed", "not an image"]
    lines = call("manifest", dst, "--csv", "--failed").splitlines()
    assert lines[0].split(",")[:3] == ["item", "name", "kind"]
    assert len(lines) == 2
    assert call("verify", dst) == "2 arrays read, 0 damaged or missing\n"
    shutil.rmtree(dst / "runs")
    assert call("gc", dst) == "0 files removed, 0 shards rewritten, 0.0 MB freed\n"
    (shard,) = (dst / "shards").iterdir()
    shard.write_bytes(bytes(shard.stat().st_size))
    assert "2 damaged or missing" in call("verify", dst, code=1)


def test_files_and_lists(src: Path, tmp_path: Path) -> None:
    """Files as arguments, lists on stdin with newlines or NULs, and both, without duplicates."""
    a, b = src / "a.dcm", src / "sub" / "b"
    new_line = b"new\nline"
    with open(os.path.join(os.fsencode(src), new_line), "wb") as file:
        file.write(a.read_bytes())
    dst = tmp_path / "dst"
    (src / "-").write_bytes(a.read_bytes())  # its path says that it is a file
    assert counts(run("convert", "a.dcm", "sub", "./-", a, dst, cwd=src))["converted"] == 3
    lists = {b"\n\na.dcm\n./a.dcm\r\nsub\n" + os.fsencode(a): 2, b"": 0}
    lists[b"a.dcm\0" + new_line] = 2
    for stdin, done in lists.items():
        table = counts(run("convert", "-", dst, stdin=stdin, cwd=src))
        assert table["converted"] + table[PRESENT] == done
    log = run("convert", a, "-", src / "sub", dst, stdin=os.fsencode(b))
    assert counts(log)[PRESENT] == 2


@in_the_gate
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_names_that_are_no_text(encoding: str, tmp_path: Path) -> None:
    """Paths come in and go out as the bytes they are, whatever the terminal's encoding."""
    source = os.path.join(os.fsencode(tmp_path), b"src \xff")
    os.mkdir(source)
    whole = encode(make_dataset())
    names = {b"a\xfe.dcm": whole, b"b b": whole, b"c\xff\xfd": whole[:-2]}
    for name, data in names.items():
        with open(os.path.join(source, name), "wb") as file:
            file.write(data)
        os.utime(os.path.join(source, name), (10**9, 10**9))
    env = {"PYTHONIOENCODING": encoding}
    dst = os.path.join(os.fsencode(tmp_path), b"dst \xfc")
    stdin = b"\n".join(os.path.join(source, name) for name in names)
    log = run("convert", "-", dst, stdin=stdin, code=1, env=env)
    assert "fastpix locate" in log
    found = run("locate", dst, env=env)
    path = os.fsdecode(os.path.join(source, b"c\xff\xfd"))
    assert f"\t{path}\tPixelDataError" in found
    missing = run("info", os.path.join(source, b"\xee"), code=1, env=env)
    assert missing.startswith("fastpix: ")
    assert missing.endswith(": No such file or directory\n")


def test_workers_timeout_and_recipe(src: Path, tmp_path: Path) -> None:
    (src / "cut").unlink()
    dst = tmp_path / "dst"
    run("convert", src, dst, "--workers", 1, "--timeout", 30, "--max-bytes", 1000,
        "--dtype", "float64", "--no-rescale", "--invert", "none", "--normalize", 0, 10,
        "--padding", "nan", "--color-range", -1, 1)  # fmt: skip
    recipe = fastpix.Recipe(
        "float64", False, "none", (0, 10), float("nan"), color_range=(-1, 1)
    )  # fmt: skip
    cache = fastpix.open_cache(dst)
    assert cache.settings.recipe == recipe
    assert cache[0].tobytes() == fastpix.imread(src / "a.dcm", recipe=recipe).tobytes()
    other = tmp_path / "other"
    run("convert", src, other, "--max-bytes", 10, code=1)
    assert len(fastpix.open_cache(other)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("convert", "none", "dst"), "none: No such file or directory"),
        (("convert", "src", "dst", "--workers", 0), "--workers: 0 is less than 1"),
        (("convert", "src", "dst", "--timeout", 0), "--timeout: 0.0 is not a positive number"),
        (("convert", "src", "dst", "--max-bytes", 0), "--max-bytes: 0 is not a positive number"),
        (("convert", "src", "dst", "--dtype", "complex"), "--dtype: 'complex' is not one of"),
        (("convert", "src", "dst", "--normalize", 1, 1), "--normalize: (1.0, 1.0) is not finite"),
        (("convert", "src", "dst", "--key-file", "dst/k"), "--key-file: dst/k lies inside"),
        (("convert", "src", "dst", "--key-file", "src/a.dcm"), "--key-file: src/a.dcm can be read"),
        (("convert", "src", "dst", "--only", "x"), "--only: "),
        (("convert", "src", "src/a.dcm"), "src/a.dcm: File exists"),
        (("info", "none"), "none: No such file or directory"),
        (("info", "src"), "src is a folder, and one file is needed: fastpix series FOLDER"),
        (("info", "src/readme.txt"), "src/readme.txt: not a DICOM file"),
        (("info", "src/cut"), "src/cut: Pixel Data (7FE0,0010) holds 10 bytes, 12 are needed"),
        (("info", "src/a.dcm", "--invert", "all"), "--invert: 'all' is not"),
        (("locate", "dst"), "dst is not a fastpix cache: it has no dataset.json"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_errors_are_one_line(
    arguments: tuple[object, ...],
    message: str,
    src: Path,
    call: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(src.parent)
    log = call(*arguments, code=1).replace(f"{src.parent}/", "")
    assert log.startswith(f"fastpix: {message}")
    assert log.count("\n") == 1
    assert not (src.parent / "dst" / "k").exists()


def test_wrong_usage_is_exit_code_2(call: Callable[..., str]) -> None:
    for arguments in (("convert",), ("convert", "a"), ("nonsense",), ("convert", "a", "b", "--x")):
        call(*arguments, code=2)
    assert "convert" in call("--help")


def test_an_empty_folder_and_one_without_images(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    nothing = {"converted": 0, PRESENT: 0, "not images": 0, "failed": 0}
    assert counts(run("convert", "src", "dst", cwd=tmp_path)) == nothing
    (tmp_path / "src" / "empty").touch()
    (tmp_path / "src" / "text.dcm").write_text("no image")
    (tmp_path / "src" / "report").write_bytes(file_of(element(0x00100010, "PN", b"Doe")))
    age(tmp_path / "src")
    assert counts(run("convert", "src", "dst", cwd=tmp_path)) == nothing | {"not images": 3}
    assert len(fastpix.open_cache(tmp_path / "dst")) == 0


def test_output_inside_the_source(src: Path) -> None:
    (src / "cut").unlink()
    for converted, present in ((2, 0), (0, 3)):
        table = counts(run("convert", ".", "out", "--key-file", "../key", cwd=src))
        assert (table["converted"], table[PRESENT]) == (converted, present)


def test_version_of_the_installed_command(tmp_path: Path) -> None:
    """The script that pip installs is the same command."""
    script = BIN / "fastpix"
    if not script.exists():
        pytest.skip("the package is not installed with its script")
    ended = subprocess.run([script, "--version"], capture_output=True, check=True, cwd=tmp_path)
    assert ended.stdout.decode() == run("--version")


def test_version_names_kernels_and_decoders() -> None:
    lines = run("--version").splitlines()
    assert lines[0] == f"fastpix {fastpix.__version__}"
    assert lines[1].startswith(f"kernels: {', '.join(fastpix.kernels())}")
    assert any(f"imagecodecs {version('imagecodecs')} (libjpeg-turbo" in line for line in lines)
    assert f"numpy {version('numpy')}" in lines[-2]


# On a terminal


def run_on_terminal(*arguments: object, interrupt_at: str = "") -> tuple[str, int]:
    """Run the command on a pseudo-terminal; press Ctrl-C once a text has come."""
    pid, handle = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="30", NO_COLOR="")
        os.environ.pop("NO_COLOR")
        os.execv(sys.executable, [*COMMAND, *map(str, arguments)])
    seen = b""
    pressed = False
    deadline = time.monotonic() + 120
    try:
        while select.select([handle], [], [], deadline - time.monotonic())[0]:
            try:
                part = os.read(handle, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
            if interrupt_at and not pressed and interrupt_at.encode() in seen:
                os.write(handle, b"\x03")
                pressed = True
        else:
            os.kill(pid, signal.SIGKILL)
            pytest.fail(f"it did not end: {seen!r}")
    finally:
        os.close(handle)
        _, status = os.waitpid(pid, 0)
    return seen.decode("utf-8"), os.waitstatus_to_exitcode(status)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_bars_on_a_terminal(src: Path, tmp_path: Path) -> None:
    log, code = run_on_terminal("convert", src, tmp_path / "dst", "--workers", 1)
    assert code == 1
    assert "\x1b[" in log
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", log)
    (last,) = [line for line in re.split("[\r\n]+", text) if "4/4" in line][-1:]
    assert re.fullmatch(r"converting .+ 4/4 0 MB \d+ files/s 1 failed \d:\d\d:\d\d\s*", last)
    assert "4 files, 0 MB\r\n" not in text, "bars take the place of lines"
    assert PRESENT in text
    for path in src.rglob("*.dcm"):
        assert path.name not in text


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_ctrl_c_on_a_terminal(tmp_path: Path) -> None:
    """It reaches every process of the group; the parent alone answers, and nothing is torn."""
    folder = make_many(tmp_path / "many", 150)
    dst = tmp_path / "dst"
    log, code = run_on_terminal("convert", folder, dst, "--workers", 2, interrupt_at="converting")
    assert code == 130
    assert "Traceback" not in log
    assert "KeyboardInterrupt" not in log
    assert "run the same command again to go on" in log
    check_consistent(dst)


def make_many(folder: Path, count: int) -> Path:
    folder.mkdir()
    data = encode(make_dataset(np.zeros((8, 8), np.uint16)))
    for index in range(count):
        (folder / f"{index:03}").write_bytes(data)
    return folder


def check_consistent(dst: Path) -> int:
    """Check that each array is whole, and that nothing half-written has a name."""
    if not (dst / "dataset.json").exists():
        return 0
    cache = fastpix.open_cache(dst)
    for k in range(len(cache)):
        cache.verify(k)
    shards = {Path(shard).name for shard in cache.shards}
    assert {path.name for path in (dst / "shards").glob("*.tar")} <= shards
    return len(cache)


def test_interrupt(tmp_path: Path) -> None:
    folder = make_many(tmp_path / "many", 1500)
    dst = tmp_path / "dst"
    with subprocess.Popen(
        [*COMMAND, "convert", str(folder), str(dst), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as job:
        wait_until(lambda: list(dst.glob("shards/*.tar")))
        os.killpg(job.pid, signal.SIGINT)
        pressed = time.monotonic()
        log = job.communicate(timeout=120)[0].decode()
        took = time.monotonic() - pressed
    assert job.returncode == 130
    assert took < 30
    assert log.splitlines() == [
        "Interrupted. What is done stays in the cache; run the same command again to go on."
    ]
    done = check_consistent(dst)
    assert 0 < done < 1500
    table = counts(run("convert", folder, dst, "--workers", 2))
    assert (table[PRESENT], table["converted"]) == (done, 1500 - done)
    assert check_consistent(dst) == 1500


# fastpix info


@pytest.fixture
def described(call: Callable[..., str]) -> Callable[..., dict[str, list[str]]]:
    """What `fastpix info` prints, by label."""

    def info(*arguments: object) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        text = re.sub(r" *\n {2,}", " ", call("info", *arguments))  # long lines are folded
        for line in text.splitlines():
            label, value = re.split(r" {2,}", line.strip(), maxsplit=1)
            found.setdefault(label, []).append(value)
        return found

    return info


def test_info_says_what_will_be_done(
    tmp_path: Path, described: Callable[..., dict[str, list[str]]]
) -> None:
    path = tmp_path / "ct.dcm"
    dataset = make_dataset(
        np.zeros((3, 4, 5), np.int16), BitsStored=12, Modality="CT", RescaleSlope="2",
        RescaleIntercept="-1024", PhotometricInterpretation="MONOCHROME1", HighBit=None,
        PixelPaddingValue=-2000, WindowCenter="40", PatientName="Doe^John",
    )  # fmt: skip
    path.write_bytes(encode(dataset))
    assert described(path) == {
        "image": ["3 frames of 4 x 5 (rows x columns), MONOCHROME1"],
        "encoding": ["Explicit VR Little Endian (1.2.840.10008.1.2.1)"],
        "stored": ["integer of 16 bits"],
        "mask": ["bits 0 to 11 hold the value (12 bits); others are ignored"],
        "sign": ["two's complement, -2048 to 2047"],
        "rescale": ["value * 2.0 - 1024.0"],
        "invert": ["MONOCHROME1: subtracted from the maximum of the instance"],
        "output": ["float32, inverted HU"],
        "note": ["WindowCenter (0028,1050) is present: reported, not applied"],
        "warning": [
            "HighBit (0028,0102) is missing: read as BitsStored - 1, 11",
            "MONOCHROME1 with PixelPaddingValue (0028,0120): padding counts as pixels; "
            "pass padding= to set it apart",
        ],
    }
    other = described(path, "--no-rescale", "--invert", "range", "--normalize", 0, 100,
                      "--padding", 5, "--dtype", "float64")  # fmt: skip
    assert other["rescale"] == ["none (slope 1, intercept 0)"]
    assert other["invert"] == ["MONOCHROME1: mirrored in the representable range"]
    assert other["normalize"] == ["clip to 0..100, map to 0..1"]
    assert other["padding"] == ["stored -2000..-2000 becomes 5"]
    assert other["output"] == ["float64, 0..1, from 0..100 inverted stored values"]


def test_info_of_colour(described: Callable[..., dict[str, list[str]]]) -> None:
    ranged = described(WHEEL / "SC_ybr_full_422_uncompressed.dcm", "--color-range", 0, 1)
    assert ranged["range"] == ["brought to 8 bits, and 0..255 mapped to 0..1"]
    assert ranged["output"] == ["float32, RGB, 0..1"]
    found = described(WHEEL / "SC_ybr_full_422_uncompressed.dcm")
    assert found["image"] == ["1 frame of 100 x 100 (rows x columns), YBR_FULL_422"]
    assert found["colour"] == [
        "Y1 Y2 Cb Cr for each pair of pixels, upsampled; YBR_FULL converted to RGB"
    ]
    assert found["output"] == ["float32, RGB, 0..255"]
    assert "rescale" not in found


def test_info_of_a_codec(tmp_path: Path, described: Callable[..., dict[str, list[str]]]) -> None:
    cells = np.zeros((8, 8, 3), np.uint8)
    path = tmp_path / "photo.dcm"
    path.write_bytes(file_of_frames([jpeg(cells)], cells, BASELINE))
    found = described(path)
    assert found["mask"] == [
        "decoded values are masked to 8 bits, or clipped if the compression is lossy"
    ]
    assert found["colour"] == [
        "samples interleaved; RGB, unless the JPEG data of a frame proves other colours"
    ]
    (warning,) = found["warning"]
    assert warning.endswith("so its samples are YCbCr: converted to RGB")


def test_info_prints_every_note_of_the_plan(
    described: Callable[..., dict[str, list[str]]],
) -> None:
    for name in ("liver_1frame.dcm", "CT_small.dcm", "MR_small.dcm", "examples_palette.dcm"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plan = fastpix.open(WHEEL / name).plan()
        found = described(WHEEL / name)
        assert found.get("note", []) + found.get("warning", []) == [
            *(note.text for note in plan.notes if not note.oddity),
            *(note.text for note in plan.notes if note.oddity),
        ]


# fastpix demo


@in_the_gate
def test_demo_says_where_to_look_and_its_examples_work(tmp_path: Path) -> None:
    """They can be pasted whatever the folder is called."""
    out = 'it\'s "my" $HOME'
    log = run("demo", out, cwd=tmp_path)
    assert counts(log)["converted"] > 50
    text, _, end = log.partition(f"Look at {out}.png: ")
    assert str(WHEEL) in text
    examples = [line.strip() for line in end.splitlines() if line.startswith("  ")]
    env = os.environ | {"PATH": "/usr/bin:/bin"}  # the environment need not be active
    *lines, mine = examples
    assert mine.endswith("convert FOLDER-OF-IMAGES NEW-FOLDER")
    manifest, located, stats, pixels, plan = (
        subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=env, stdout=subprocess.PIPE, check=True
        ).stdout
        for line in lines
    )
    assert b"rows" in manifest
    assert b"HU" in stats
    assert b"NoPixelDataError" in located
    assert b"float32" in pixels
    assert b"float32, HU" in plan
    assert len(fastpix.open_cache(tmp_path / out)) == counts(log)["converted"]
    with Image.open(tmp_path / f"{out}.png") as sheet:
        assert min(sheet.size) > 500
        assert sheet.mode == "RGB"


def test_codecs_lists_every_decoder(call: Callable[..., str]) -> None:
    log = call("codecs")
    for name in ("RLE Lossless", "JPEG XL", "Deflated Image Frame", "pylibjpeg-libjpeg", "GPL"):
        assert name in log
    assert f"fastpix {fastpix.__version__}" in log


def test_what_cannot_be_decoded_is_told_first(src: Path, tmp_path: Path) -> None:
    (src / "video").write_bytes(
        encode_frames(make_dataset(), "1.2.840.10008.1.2.4.100", [bytes(64)])
    )
    age(src)
    log = run("convert", src, tmp_path / "dst", "--workers", 1, code=1)
    told, done = log.index("Going to fail: "), log.index("converted")
    assert told < done
    assert "MPEG2" in log[told:done]
    assert "video library" in log[told:done]


def test_info_with_a_pinned_decoder(call: Callable[..., str]) -> None:
    path = WHEEL / "MR_small_jp2klossless.dcm"
    assert "to be decoded by imagecodecs" in call("info", path)
    assert "to be decoded by pylibjpeg-openjpeg" in call(
        "info", path, "--decoder", "pylibjpeg-openjpeg"
    )
    assert "pin one of" in call("info", path, "--decoder", "pyjpegls", code=1)


def test_other_settings_go_into_another_cache(src: Path, tmp_path: Path) -> None:
    dst, new = tmp_path / "dst", tmp_path / "new"
    (src / "cut").unlink()
    run("convert", src, dst, "--into", new)
    assert not new.exists()
    log = run("convert", src, dst, "--dtype", "float64", code=1)
    assert "--into NEW" in log
    assert "dtype is 'float32' there, and 'float64' is asked for" in log
    run("convert", src, dst, "--dtype", "float64", "--into", new)
    assert fastpix.open_cache(dst)[0].dtype == np.float32
    assert fastpix.open_cache(new)[0].dtype == np.float64


# Output that nobody reads, Ctrl-C that comes early


@in_the_gate
def test_output_that_is_closed(src: Path, tmp_path: Path) -> None:
    dst = tmp_path / "dst"
    run("convert", src, dst, code=1)
    for closing in (">&-", "| true"):
        line = f'"$@" {closing}'
        command = ["sh", "-c", line, "sh", *COMMAND, "manifest", str(dst), "--json"]
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


@pytest.mark.parametrize("moment", [0.02, 0.1, 0.25])
def test_an_early_interrupt(moment: float, src: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fastpix", "convert", str(src), str(tmp_path / "dst")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as job:  # fmt: skip
        time.sleep(moment)
        os.killpg(job.pid, signal.SIGINT)
        log, _ = job.communicate(timeout=120)
    if moment > 0.1:  # before, the interpreter itself is not ready
        assert b"Traceback" not in log
    assert job.returncode in (130, 1, -signal.SIGINT, 0)
