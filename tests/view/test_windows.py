"""Windows and VOI LUTs: pydicom's results, and the file's own choice of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing
from support.builders import encode, make_dataset, make_item, set_raw
from support.sizes import cases

import fastpix
from fastpix.errors import ArgumentError, PixelHeaderError
from fastpix.header.luts import Lut
from fastpix.view.looks import Look, seen_of_image
from fastpix.view.tones import as_gray, shades_of, window_by_percentiles
from fastpix.view.voi import FUNCTIONS, VoiTable, VoiWindow, checked_window, chosen, proposals_of

RAMP = np.arange(-6, 6, dtype=np.int16).reshape(3, 4)
TABLE = {"LUTDescriptor": [4, 2, 8], "LUTData": [10, 30, 90, 250], "LUTExplanation": "STEPS"}


def opened(dataset: Dataset) -> fastpix.Image:
    return fastpix.open(encode(dataset))


def with_table(**attributes: Any) -> Dataset:
    dataset = make_dataset(RAMP, **attributes)
    item = make_item(**TABLE)
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    dataset.VOILUTSequence = [item]
    return dataset


values = st.sampled_from(["u1", "i2", "u2", "i4", "f4", "f8"]).flatmap(
    lambda kind: arrays.arrays(
        kind,
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=(
            st.floats(-40000, 40000, width=32)
            if kind[0] == "f"
            else st.integers(max(-40000, int(np.iinfo(kind).min)),
                             min(70000, int(np.iinfo(kind).max)))
        ),
    )
)  # fmt: skip


@settings(max_examples=cases(1200), deadline=None)
@given(
    values=values,
    function=st.sampled_from(FUNCTIONS),
    center=st.floats(-40000, 70000),
    width=st.floats(1, 70000),
)
def test_a_window_is_pydicoms_bit_for_bit(
    values: NDArray[Any], function: str, center: float, width: float
) -> None:
    header = Dataset()  # 8 bits, unsigned, no rescale: the output range is 0 to 255
    header.PhotometricInterpretation = "MONOCHROME1"
    header.BitsStored, header.PixelRepresentation = 8, 0
    header.VOILUTFunction = function
    header.add_new("WindowCenter", "FD", center)  # no 16 characters of a decimal string between
    header.add_new("WindowWidth", "FD", width)
    with np.errstate(over="ignore"):  # pydicom warns of a steep SIGMOID; this project does not
        expected = apply_windowing(values, header)
    found = shades_of(values, checked_window(center, width, function))
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


@settings(max_examples=cases(600), deadline=None)
@given(
    values=arrays.arrays("i2", (3, 4)),
    first=st.integers(0, 200),
    entries=arrays.arrays("u2", st.integers(2, 40), elements=st.integers(0, 4095)),
)
def test_a_table_is_pydicoms_bit_for_bit(
    values: NDArray[Any], first: int, entries: NDArray[np.uint16]
) -> None:
    header = Dataset()
    item = make_item(LUTDescriptor=[len(entries), first, 12])
    item.add_new("LUTData", "US", entries.tolist())
    header.VOILUTSequence = [item]
    voi = VoiTable(Lut(first, 12, entries.astype(np.float64).tobytes()))
    assert np.array_equal(shades_of(values, voi), apply_voi(values, header) * (255 / 4095))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_file_is_windowed_in_modality_values_before_it_is_inverted(
    function: str, photometric: str
) -> None:
    cells = np.random.default_rng(3).integers(-2048, 2048, (20, 30)).astype(np.int16)
    dataset = make_dataset(
        cells, BitsStored=12, PhotometricInterpretation=photometric, RescaleSlope="0.5",
        RescaleIntercept="-100", WindowCenter="-80.5", WindowWidth="300", VOILUTFunction=function,
    )  # fmt: skip
    (pane,) = seen_of_image(opened(dataset)).groups[0].panes
    low, high = -2048 * 0.5 - 100, 2047 * 0.5 - 100  # pydicom's output range
    shades = (apply_windowing(apply_modality_lut(cells, dataset), dataset) - low) / (high - low)
    if photometric == "MONOCHROME1":
        shades = 1 - shades
    # One level at most: pydicom's range is mapped to 0..1 here, which rounds once more.
    difference = pane.pixels - shades * 255
    assert np.abs(difference).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("photometric", "shape", "is_inverse"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
    ],
)
def test_presentation_lut_shape_has_the_last_word(
    photometric: str, shape: str | None, is_inverse: bool
) -> None:
    image = opened(make_dataset(RAMP, PhotometricInterpretation=photometric,
                                PresentationLUTShape=shape))  # fmt: skip
    found = seen_of_image(image, Look(percentiles=(0, 100)))
    (pane,) = found.groups[0].panes
    assert pane.pixels[0, 0] == (255 if is_inverse else 0)
    assert pane.pixels[-1, -1] == (0 if is_inverse else 255)
    contradicts = is_inverse != (photometric == "MONOCHROME1")
    assert any("2050,0020" in remark for remark in found.remarks) == contradicts


def test_windows_by_number_and_name() -> None:
    image = opened(with_table(
        WindowCenter=[0, 1], WindowWidth=[4, 6], WindowCenterWidthExplanation=["SOFT", "BONE"],
    ))  # fmt: skip
    proposals = proposals_of(image)
    assert [proposal.explanation for proposal in proposals] == ["STEPS", "SOFT", "BONE"]
    assert proposals[1:] == [VoiWindow(0, 4, "LINEAR", "SOFT"), VoiWindow(1, 6, "LINEAR", "BONE")]
    assert chosen(proposals, "bone ") is chosen(proposals, "2") is chosen(proposals, 2)
    with pytest.raises(ArgumentError, match=r"no window 'LUNG'; it has 0: VOI LUT.*2: .*BONE"):
        chosen(proposals, "LUNG")
    shown = seen_of_image(image, Look(voi="STEPS")).groups[0].panes[0].pixels
    assert shown.ravel().tolist() == [10] * 9 + [30, 90, 250]


def test_windows_of_functional_groups_come_first() -> None:
    frames = np.arange(12, dtype=np.uint16).reshape(3, 2, 2)
    groups = [
        make_item(FrameVOILUTSequence=[make_item(WindowCenter="2", WindowWidth="5")]),
        make_item(FrameVOILUTSequence=[make_item(WindowCenter="6", WindowWidth="5")]),
        make_item(),
    ]
    shared = make_item(FrameVOILUTSequence=[make_item(WindowCenter="9", WindowWidth="3")])
    image = opened(make_dataset(
        frames, WindowCenter="100", WindowWidth="50", PerFrameFunctionalGroupsSequence=groups,
        SharedFunctionalGroupsSequence=[shared],
    ))  # fmt: skip
    centers = [proposals_of(image, frame)[0] for frame in range(3)]
    assert [voi.center for voi in centers if isinstance(voi, VoiWindow)] == [2, 6, 9]
    panes = seen_of_image(image).groups[0].panes
    assert panes[0].pixels.ravel().tolist() == [32, 96, 159, 223]  # y = (x - 1.5) / 4 + 0.5
    assert [pane.caption for pane in panes] == ["frame 0", "frame 1", "frame 2"]


@pytest.mark.parametrize(
    ("attributes", "tag"),
    [
        ({"WindowCenter": ["1", "2"], "WindowWidth": "3"}, "0028,1051"),
        ({"WindowCenter": "1", "WindowWidth": "0.5"}, "0028,1051"),
        ({"WindowCenter": "1", "WindowWidth": "3", "VOILUTFunction": "CUBIC"}, "0028,1056"),
    ],
)
def test_a_window_that_cannot_be_used(attributes: dict[str, Any], tag: str) -> None:
    image = opened(make_dataset(RAMP, **attributes))
    with pytest.raises(PixelHeaderError, match=rf"\({tag}\).*--window C W"):
        seen_of_image(image, Look(voi=0))
    found = seen_of_image(image)
    assert "percentiles 1 to 99" in found.groups[0].title
    assert tag in found.remarks[0]
    seen_of_image(image, Look(window=VoiWindow(1, 3)))  # nobody asks for the file's


def test_without_a_window_percentiles_serve() -> None:
    cells = np.arange(101, dtype=np.int16).reshape(1, 101) - 50
    cells[0, 0] = -30000
    (pane,) = seen_of_image(opened(make_dataset(cells))).groups[0].panes
    assert window_by_percentiles(cells) == VoiWindow(0, 98, "LINEAR_EXACT")
    assert pane.pixels[0, [0, 1, 50, 99, 100]].tolist() == [0, 0, 128, 255, 255]
    few = np.zeros((40, 40), np.uint8)
    few[0, 0] = 7  # lies beyond percentile 99
    assert seen_of_image(opened(make_dataset(few))).groups[0].panes[0].pixels[0, 0] == 255


def test_padding_is_black_in_both_polarities() -> None:
    cells = np.array([[-2000, 0, 10]], np.int16)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        dataset = make_dataset(cells, PhotometricInterpretation=photometric)
        dataset.add_new("PixelPaddingValue", "SS", -2000)
        found = seen_of_image(opened(dataset), Look(percentiles=(0, 100), both=True))
        levels = [group.panes[0].pixels.tolist() for group in found.groups]
        assert sorted(levels) == [[[0, 0, 255]], [[0, 255, 0]]]
    assert as_gray(np.array([np.nan, 0.0, 255.0]), is_inverse=True).tolist() == [0, 255, 0]


def test_dose_is_windowed_in_stored_values() -> None:
    cells = np.array([[0, 50, 100]], np.uint16)
    dataset = make_dataset(cells, Modality="RTDOSE", DoseGridScaling="0.001",
                           WindowCenter="50.5", WindowWidth="101")  # fmt: skip
    image = opened(dataset)
    assert seen_of_image(image).groups[0].panes[0].pixels.tolist() == [[0, 128, 255]]
    gray = Look(window=VoiWindow(0.05, 0.1, "LINEAR_EXACT"))
    assert seen_of_image(image, gray).groups[0].panes[0].pixels.tolist() == [[0, 128, 255]]


def test_a_broken_slope_leaves_stored_values() -> None:
    dataset = set_raw(make_dataset(RAMP, RescaleIntercept="0"), 0x00281053, "DS", b"1,x ")
    found = seen_of_image(opened(dataset))
    assert "stored values" in found.groups[0].title
    assert any("RescaleSlope (0028,1053)" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    "arguments", [(0, 0.5, "linear"), (0, 0, "sigmoid"), (0, 5, "x"), (float("nan"), 5, "linear")]
)
def test_what_no_window_can_be(arguments: tuple[float, float, str]) -> None:
    with pytest.raises(ArgumentError):
        checked_window(*arguments)


def test_what_no_look_can_be() -> None:
    image = opened(make_dataset(RAMP))
    wrongs: list[dict[str, Any]] = [
        {"percentiles": (5, 5)}, {"percentiles": (-1, 50)}, {"most": 0}
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(ArgumentError):
            Look(**wrong)
    with pytest.raises(ArgumentError, match="frame: 1 is not one of 0 to 0"):
        seen_of_image(image, Look(numbers=(1,)))
    with pytest.raises(ArgumentError, match="it has none"):
        seen_of_image(image, Look(voi=0))
