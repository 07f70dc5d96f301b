"""The table of VRs is the one that pydicom has."""

from __future__ import annotations

from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from fastpix.standard.vrs import HEAD_BYTES, LONG_LENGTH, SHORT_LENGTH


def test_lengths_of_vrs_are_those_of_pydicom() -> None:
    assert {str(vr) for vr in EXPLICIT_VR_LENGTH_16} == SHORT_LENGTH
    assert {str(vr) for vr in EXPLICIT_VR_LENGTH_32} == LONG_LENGTH


def test_the_table_for_the_compiled_readers_says_the_same() -> None:
    letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    pairs = [first + second for first in letters for second in letters]
    heads = dict(zip(pairs, HEAD_BYTES, strict=True))
    assert {vr for vr, head in heads.items() if head == 8} == SHORT_LENGTH
    assert {vr for vr, head in heads.items() if head == 12} == LONG_LENGTH
    assert set(heads.values()) == {0, 8, 12}
