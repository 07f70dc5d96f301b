"""Every error carries its facts, pickles, keeps the file's text apart, and says what to do next."""

from __future__ import annotations

import copy
import pickle
import re
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from inspect import cleandoc
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import JPEGLSLossless, RLELossless
from support.builders import (
    element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    make_dataset,
    make_group,
    make_item,
    remove,
    set_raw,
    undecodable_frame,
)
from support.matrices import every

import fastpix
from fastpix import (
    ArgumentError,
    DecodeError,
    FastpixError,
    HeaderWarning,
    InexactError,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    PixelHeaderError,
    SeriesError,
    UnsupportedTransferSyntaxError,
)
from fastpix.errors import LabelMismatchError, tag_text
from fastpix.header.rescale import RescaleError
from fastpix.standard.tags import Tag

NAME = "Doe^John"
# What an error that says what to do next has in it: somebody told to do something.
REMEDY = re.compile(
    r"\b(leave|correct|fetch|install|convert|use|pass|give|open|read|choose|check|raise)\b"
)

EXAMPLES: list[tuple[FastpixError, dict[str, Any]]] = [
    (ArgumentError("dtype", "'f' is not one of them: use float32"), {"argument": "dtype"}),
    (NotDicomError("no DICM prefix"), {"reason": "no DICM prefix"}),
    (NoPixelDataError("CT Image Storage"), {"sop_class": "CT Image Storage"}),
    (NoPixelDataError(), {"sop_class": ""}),
    (
        PixelHeaderError(
            tag=0x00281053,
            keyword="RescaleSlope",
            value=NAME,
            reason="no number",
            remedy="fetch it",
        ),
        {
            "tag": 0x00281053,
            "keyword": "RescaleSlope",
            "value": NAME,
            "reason": "no number",
            "remedy": "fetch it",
        },
    ),
    (
        PixelHeaderError(tag=None, keyword="data set", value=None, reason="it cannot be parsed"),
        {"tag": None, "keyword": "data set", "value": None, "reason": "it cannot be parsed"},
    ),
    (
        RescaleError(tag=0x3004000E, keyword="DoseGridScaling", value=[1.0, 2.0], reason="two"),
        {"tag": 0x3004000E, "keyword": "DoseGridScaling", "value": [1.0, 2.0], "reason": "two"},
    ),
    (
        PixelDataError(expected=524288, found=262144, layout="1 frame of 512 x 512 x 16 bits"),
        {"expected": 524288, "found": 262144},
    ),
    (
        PixelDataError(reason="a fragment is cut off"),
        {"expected": None, "found": None, "reason": "a fragment is cut off"},
    ),
    (
        UnsupportedTransferSyntaxError(RLELossless, "RLE Lossless", "install pydicom"),
        {"transfer_syntax": RLELossless, "name": "RLE Lossless", "remedy": "install pydicom"},
    ),
    (
        UnsupportedTransferSyntaxError("1.2.3", "", "convert it"),
        {"transfer_syntax": "1.2.3", "name": "", "remedy": "convert it"},
    ),
    (
        DecodeError(frame=3, tried={"imagecodecs": f"bad marker {NAME}", "pydicom": "ValueError"}),
        {"frame": 3, "tried": {"imagecodecs": f"bad marker {NAME}", "pydicom": "ValueError"}},
    ),
    (DecodeError(frame=0, tried={}), {"frame": 0, "tried": {}}),
    (
        InexactError(value=0.5, index=(0, 1, 2), dtype="int16"),
        {"value": 0.5, "index": (0, 1, 2), "dtype": "int16"},
    ),
    (
        SeriesError("2 stacks: choose one", ["a", "b"], ["uneven"]),
        {"stacks": ("a", "b"), "codes": ("uneven",)},
    ),
    (
        LabelMismatchError("position", 0.5, "0.5 mm off", "read the whole series"),
        {
            "aspect": "position",
            "off": 0.5,
            "reason": "0.5 mm off",
            "remedy": "read the whole series",
        },
    ),
]


def describe(case: object) -> str:
    return type(case).__name__ if isinstance(case, FastpixError) else ""


every_error = pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=describe)


@every_error
def test_is_a_fastpix_error_and_a_value_error(error: FastpixError) -> None:
    assert isinstance(error, FastpixError)
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(("error", "facts"), EXAMPLES, ids=describe)
def test_carries_its_facts(error: FastpixError, facts: dict[str, Any]) -> None:
    assert {name: getattr(error, name) for name in facts} == facts


@pytest.mark.parametrize(("error", "facts"), EXAMPLES, ids=describe)
@every("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(error: FastpixError, facts: dict[str, Any], protocol: int) -> None:
    back = pickle.loads(pickle.dumps(error, protocol))
    assert_same(back, error)
    assert {name: getattr(back, name) for name in facts} == facts


@every_error
def test_copies(error: FastpixError) -> None:
    assert_same(copy.copy(error), error)
    assert_same(copy.deepcopy(error), error)


@every_error
def test_says_what_to_do_next(error: FastpixError) -> None:
    assert REMEDY.search(str(error)), str(error)


@every_error
def test_storable_quotes_no_text(error: FastpixError) -> None:
    assert error.storable
    assert NAME not in error.storable
    assert "1.2.3" not in error.storable


def assert_same(back: FastpixError, error: FastpixError) -> None:
    """Check that an error came back whole."""
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.args == error.args
    assert back.storable == error.storable
    assert vars(back) == vars(error)


def all_subclasses(kind: type[FastpixError]) -> Iterator[type[FastpixError]]:
    for each in kind.__subclasses__():
        if each.__module__.split(".")[0] == "fastpix":
            yield each
            yield from all_subclasses(each)


def test_the_examples_leave_no_class_out() -> None:
    shown = {type(error) for error, _ in EXAMPLES}
    ours = set(all_subclasses(FastpixError))
    assert {kind.__name__ for kind in ours - shown if kind.__module__ == "fastpix.errors"} == set()
    for kind in ours:
        assert kind.__doc__


def test_public_errors_are_exported() -> None:
    for kind in all_subclasses(FastpixError):
        if kind.__module__ == "fastpix.errors":
            assert getattr(fastpix, kind.__name__) is kind
            assert kind.__name__ in fastpix.__all__
    assert issubclass(HeaderWarning, UserWarning)
    assert not issubclass(HeaderWarning, FastpixError)


def test_rescale_error_is_caught_as_pixel_header_error() -> None:
    assert issubclass(RescaleError, PixelHeaderError)


def test_facts_added_later_pickle_too() -> None:
    error = NotDicomError("no DICM prefix")
    error.add_note("while reading slice 3")
    back = pickle.loads(pickle.dumps(error))
    assert back.__notes__ == ["while reading slice 3"]


def test_messages() -> None:
    short = PixelDataError(expected=524288, found=262144, layout="1 frame of 512 x 512 x 16 bits")
    assert str(short).startswith(
        "Pixel Data (7FE0,0010) holds 262144 bytes, 524288 are needed for 1 frame of "
        "512 x 512 x 16 bits; "
    )
    missing = PixelHeaderError(tag=0x00280010, keyword="Rows", value=None, reason="it has one")
    assert str(missing).startswith("Rows (0028,0010) is missing: it has one; ")
    long = PixelHeaderError(tag=0x00280010, keyword="Rows", value="x" * 10_000, reason="no number")
    assert len(str(long)) < 200
    assert long.value == "x" * 10_000


@pytest.mark.parametrize(
    ("tag", "text"),
    [(0x00281053, "(0028,1053)"), (0x7FE00010, "(7FE0,0010)"), (0x10, "(0000,0010)")],
)
def test_tag_text(tag: int, text: str) -> None:
    assert tag_text(tag) == text


# Errors as they come from files


def raw_file(tag: int, vr: str, value: bytes) -> bytes:
    return encode(set_raw(make_dataset(), tag, vr, value))


RLE_HEADER = struct.pack("<16I", 2, 64, 80, *[0] * 13)


def with_text_of_a_patient() -> list[tuple[str, bytes, type[FastpixError]]]:
    """Files that hold a name where it makes reading fail."""
    name = NAME.encode()
    group = make_item(
        PixelValueTransformationSequence=[set_raw(make_item(), Tag.RescaleSlope, "LO", name)]
    )
    lut = set_raw(make_item(), Tag.LUTDescriptor, "LO", name)
    color = make_dataset(np.zeros((1, 2, 3), np.uint8), SamplesPerPixel=3)
    pixels = element(Tag.PixelData, "OW", bytes(12))
    return [
        ("slope", raw_file(Tag.RescaleSlope, "DS", name), PixelHeaderError),
        ("intercept", raw_file(Tag.RescaleIntercept, "LO", name), PixelHeaderError),
        ("frames", raw_file(Tag.NumberOfFrames, "IS", name), PixelHeaderError),
        ("rows", raw_file(Tag.Rows, "LO", name), PixelHeaderError),
        ("bits", raw_file(Tag.BitsAllocated, "LO", name), PixelHeaderError),
        ("padding", raw_file(Tag.PixelPaddingValue, "LO", name), PixelHeaderError),
        ("photometric", raw_file(Tag.PhotometricInterpretation, "CS", name), PixelHeaderError),
        ("dose", encode(set_raw(make_dataset(Modality="RTDOSE"), Tag.DoseGridScaling, "DS", name)),
         PixelHeaderError),
        ("group", encode(make_dataset(SharedFunctionalGroupsSequence=[group])), PixelHeaderError),
        ("lut", encode(make_dataset(ModalityLUTSequence=[lut])), PixelHeaderError),
        ("planar", encode(set_raw(color, Tag.PlanarConfiguration, "LO", name)), PixelHeaderError),
        ("sequence", file_of(*image_elements(extra=[element(Tag.ModalityLUTSequence, "LO", name)]),
                             pixels), PixelHeaderError),
        ("syntax", file_of(*image_elements(), pixels, syntax="1.2.276.0.4711"),
         UnsupportedTransferSyntaxError),
        ("no image", file_of(element(0x00100010, "PN", name)), NoPixelDataError),
        ("class", file_of(element(Tag.SOPClassUID, "UI", b"1.2.276.0.4711")), NoPixelDataError),
        ("no dicom", name * 40, NotDicomError),
        ("segments", encode_frames(make_dataset(), RLELossless, [RLE_HEADER + name * 20]),
         PixelDataError),
        ("codestream", encode_frames(make_dataset(), JPEGLSLossless, [
            undecodable_frame(rows=2, columns=3, scan=name)]), DecodeError),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "kind"),
    [pytest.param(source, kind, id=name) for name, source, kind in with_text_of_a_patient()],
)
@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
def test_storable_holds_no_text_of_the_file(source: bytes, kind: type[FastpixError]) -> None:
    with pytest.raises(kind) as caught:
        fastpix.imread(source, padding=0)
    error = caught.value
    for text in ("Doe", "DOE", "John", "JOHN", "4711"):
        assert text not in error.storable
    assert REMEDY.search(str(error)), str(error)
    assert_same(pickle.loads(pickle.dumps(error)), error)


def test_an_error_of_the_file_carries_its_facts_through_a_pickle() -> None:
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.imread(raw_file(Tag.RescaleSlope, "DS", b"two "))
    back = pickle.loads(pickle.dumps(caught.value))
    assert (back.tag, back.keyword, back.value) == (0x00281053, "RescaleSlope", "two")
    assert "rescale=False" in back.remedy


def test_the_cause_is_attached() -> None:
    source = file_of(
        *image_elements(extra=[element(Tag.SharedFunctionalGroupsSequence, "UN", b"abcd")]),
        element(Tag.PixelData, "OW", bytes(12)),
    )
    image = fastpix.open(source)
    with pytest.raises(FastpixError) as caught:
        image.read()
    assert caught.value.__cause__ is not None


def test_an_image_may_be_asked_again_after_an_error() -> None:
    """The same header refuses twice with the same words, and its traceback does not grow."""
    image = fastpix.open(raw_file(Tag.RescaleSlope, "DS", b"two "))

    def depth() -> tuple[str, int]:
        with pytest.raises(PixelHeaderError) as caught:
            image.plan()
        count, trace = 0, caught.value.__traceback__
        while trace is not None:
            count, trace = count + 1, trace.tb_next
        return str(caught.value), count

    assert depth() == depth()


def fail(source: bytes) -> None:
    fastpix.imread(source)


def test_errors_cross_processes() -> None:
    source = raw_file(Tag.RescaleSlope, "DS", NAME.encode())
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(PixelHeaderError) as caught,
    ):
        pool.submit(fail, source).result()
    assert (caught.value.tag, caught.value.value) == (0x00281053, NAME)


def test_inexact_error_names_the_first_value() -> None:
    image = fastpix.open(encode(make_dataset(RescaleSlope="0.5")))
    with pytest.raises(InexactError) as caught:
        image.read(dtype="int16")
    assert (caught.value.value, caught.value.index, caught.value.dtype) == (0.5, (0, 0, 1), "int16")
    assert_same(pickle.loads(pickle.dumps(caught.value)), caught.value)


def test_unsupported_transfer_syntax_says_what_to_install_or_do() -> None:
    source = encode_frames(make_dataset(), "1.2.840.10008.1.2.4.100", [bytes(64)])  # MPEG2
    with pytest.raises(UnsupportedTransferSyntaxError) as caught:
        fastpix.imread(source)
    assert "MPEG2" in caught.value.name
    assert "MPEG2" in caught.value.storable
    assert REMEDY.search(caught.value.remedy)


def test_decode_error_names_frame_and_decoders() -> None:
    frames = [undecodable_frame(rows=2, columns=3)] * 2
    dataset = make_dataset(np.zeros((2, 2, 3), np.uint16))
    image = fastpix.open(encode_frames(dataset, JPEGLSLossless, frames))
    with pytest.raises(DecodeError) as caught:
        image.read(frames=1)
    assert caught.value.frame == 1
    assert caught.value.tried
    for name in caught.value.tried:
        assert name in str(caught.value)


def test_warnings_are_no_errors_and_point_at_the_caller() -> None:
    source = encode(remove(make_dataset(), "SamplesPerPixel"))
    with pytest.warns(HeaderWarning) as caught:
        fastpix.imread(source)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_group_that_cannot_be_used_is_told_once() -> None:
    groups = [make_group(RescaleSlope="2")]
    source = encode(
        make_dataset(np.zeros((2, 1, 1), np.uint16), PerFrameFunctionalGroupsSequence=groups)
    )
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.imread(source)
    assert caught.value.keyword == "PerFrameFunctionalGroupsSequence"
    assert str(caught.value).count("PerFrameFunctionalGroupsSequence") == 1


def test_the_page_lists_every_error_and_its_facts() -> None:
    """docs/headers.md: the classes, and attributes that their docstrings describe."""
    page = (Path(__file__).parent.parent / "docs" / "headers.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", page.split("## Errors")[1], re.MULTILINE)
    listed = {name: re.findall(r"`(\w+)`", facts) for name, facts in rows}
    classes = {kind.__name__: kind for kind in FastpixError.__subclasses__()}
    classes = {name: kind for name, kind in classes.items() if kind.__module__ == "fastpix.errors"}
    assert set(listed) == set(classes)
    for name, kind in classes.items():
        described = re.findall(r"^(\w+(?:, \w+)*) : ", cleandoc(kind.__doc__ or ""), re.M)
        assert listed[name] == ", ".join(described).split(", ") or not (described or listed[name])
