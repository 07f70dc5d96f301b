"""Who reads pixels alone keeps nothing of identity and geometry; an opened Image has all of it."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, make_item

import fastpix
from fastpix.header import instance
from fastpix.header.index import Index, find_elements
from fastpix.source.stored import Memory
from fastpix.standard.tags import Tag

FRAMES = 200


def enhanced(syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Frames with a place and a rescale each."""
    groups = [
        make_item(
            PlanePositionSequence=[make_item(ImagePositionPatient=[0, 0, k])],
            FrameContentSequence=[make_item(StackID="1", InStackPositionNumber=k + 1)],
            PixelValueTransformationSequence=[
                make_item(RescaleSlope=str(k + 1), RescaleIntercept="0", RescaleType="US")
            ],
        )
        for k in range(FRAMES)
    ]
    cells = np.ones((FRAMES, 2, 3), np.uint16)
    return encode(make_dataset(cells, PerFrameFunctionalGroupsSequence=groups), syntax)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """What is found in files that are read."""
    indices: list[Index] = []

    def kept(*arguments: object) -> Index | None:
        index = find_elements(*arguments)  # type: ignore[arg-type]
        if index is not None:
            indices.append(index)
        return index

    monkeypatch.setattr(instance, "find_elements", kept)
    return indices


def geometry_of(index: Index) -> int:
    return len(index.identity_entries) + len(index.frame_identity.entries)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_imread_keeps_no_geometry(syntax: str, found: list[Index]) -> None:
    data = enhanced(syntax)
    values = fastpix.imread(data)
    assert values[:, 0, 0].tolist() == list(range(1, FRAMES + 1))
    assert next(iter(fastpix.imread_many([data]))).tolist() == values.tolist()
    assert list(map(geometry_of, found)) == [0, 0]
    assert not any(index.is_complete for index in found)


def test_an_opened_image_has_it(found: list[Index]) -> None:
    with fastpix.open(enhanced()) as image:
        groups = image.attributes.frame_groups()
        place = groups[7][0].items(Tag.PlanePositionSequence)[0]
        assert place.numbers(Tag.ImagePositionPatient) == [0, 0, 7]
    assert found[0].is_complete
    assert geometry_of(found[0]) > FRAMES * 40


def test_what_was_left_out_is_with_pydicom() -> None:
    data = Memory(enhanced())
    read = instance.read_instance(data, 2**20, only_pixels=True)
    assert read.index is not None
    groups = read.attributes.items(Tag.PerFrameFunctionalGroupsSequence)
    place = groups[7].items(Tag.PlanePositionSequence)[0]
    assert place.numbers(Tag.ImagePositionPatient) == [0, 0, 7]
