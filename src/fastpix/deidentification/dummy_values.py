"""Dummies of elements and of the items that an IOD demands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastpix.deidentification.value_kinds import BYTES, DUMMIES, NUMBERS
from fastpix.standard.required_attributes import Level, level_below, types_at

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104
_CODE = {_CODE_VALUE: "DEID", _CODING_SCHEME: "99FASTPIX", _CODE_MEANING: "DEIDENTIFIED"}
_DEEPEST = 8  # levels of dummies in dummies


def vr_of(tag: int, otherwise: str = "LO") -> str:
    """Return the dictionary's VR of a tag."""
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag).partition(" or ")[0]
    except KeyError:
        return otherwise


def dummy_element(tag: int, vr: str, level: Level, uid: str, depth: int = 0) -> DataElement:
    """Return an element that has a value, and says nothing.

    Parameters
    ----------
    tag : int
    vr : str
    level : Level
        Of the items, if it is a sequence.
    uid : str
        What stands for a UID.
    """
    from pydicom.dataelem import DataElement
    from pydicom.sequence import Sequence

    value: Any
    if vr == "SQ":
        value = Sequence([dummy_item(level, uid, depth + 1)])
    elif vr == "UI":
        value = uid
    elif vr in NUMBERS:
        value = 0
    elif vr in BYTES or vr == "UN":
        value = b"\0\0"
    else:
        value = DUMMIES[vr]
    return DataElement(tag, vr, value)


def empty_element(tag: int, vr: str) -> DataElement:
    """Return an element of zero length."""
    from pydicom.dataelem import DataElement
    from pydicom.sequence import Sequence

    return DataElement(tag, vr, Sequence([]) if vr == "SQ" else None)


def dummy_item(level: Level, uid: str, depth: int) -> Dataset:
    """Return an item that has what its macro demands: dummies for Type 1, nothing for Type 2."""
    from pydicom.dataset import Dataset

    item = Dataset()
    types = types_at(level)
    for tag, kind in types.items():
        if kind == "1" and depth < _DEEPEST:
            item[tag] = dummy_element(tag, vr_of(tag), level_below(level, tag), uid, depth)
        elif kind == "2":
            item[tag] = empty_element(tag, vr_of(tag))
    if types.get(_CODE_MEANING) == "1":
        for tag, text in _CODE.items():
            item[tag] = dummy_element(tag, vr_of(tag), (), uid)
            item[tag].value = text
    return item
