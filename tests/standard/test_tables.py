"""The tables that stand in for pydicom's hold what pydicom's hold."""

from __future__ import annotations

import pytest
from pydicom import config
from pydicom._uid_dict import UID_dictionary
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.uid import UID
from pydicom.valuerep import VR

from fastpix.standard import dictionary, uids
from fastpix.standard.dictionary import CHARACTER_SETS, keyword_of, vr_of
from fastpix.standard.syntaxes import DEFLATED_FRAMES, JPEG_XL, syntax_name, uid_name
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import AMBIGUOUS, LONG_LENGTH, SHORT_LENGTH

YOUNG = {DEFLATED_FRAMES, *JPEG_XL}  # younger than some releases of pydicom


def test_vrs_of_tags() -> None:
    assert {tag: dictionary_VR(tag) for tag in dictionary._VR_OF_TAG} == dictionary._VR_OF_TAG
    assert set(map(int, Tag)) == dictionary._VR_OF_TAG.keys()


def test_keywords() -> None:
    assert {tag: keyword_of(tag) for tag in Tag} == {tag: keyword_for_tag(tag) for tag in Tag}


@pytest.mark.parametrize(
    ("tag", "vr", "keyword"),
    [
        (0x00080050, "SH", "AccessionNumber"),  # in no table of ours
        (0x60023000, "OB or OW", "OverlayData"),  # a repeating group
        (0x20050010, None, ""),
        (0x00280003, "US", "SamplesPerPixelUsed"),
        (0x00289999, None, ""),
    ],
)
def test_a_tag_that_the_tables_lack(tag: int, vr: str | None, keyword: str) -> None:
    assert (vr_of(tag), keyword_of(tag)) == (vr, keyword)


def test_vrs() -> None:
    assert {str(vr) for vr in VR} == SHORT_LENGTH | LONG_LENGTH | AMBIGUOUS


def test_character_sets() -> None:
    assert python_encoding.keys() == CHARACTER_SETS


def test_transfer_syntaxes() -> None:
    known = {uid: row[0] for uid, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    ours = {uid: name for uid, name in uids.TRANSFER_SYNTAXES.items() if uid not in YOUNG}
    assert ours == {uid: name for uid, name in known.items() if uid not in YOUNG}
    assert uids.TRANSFER_SYNTAXES.keys() >= YOUNG
    assert all(syntax_name(uid) == name for uid, name in known.items() if uid not in YOUNG)


def test_names_of_uids() -> None:
    for keyword in ("IMPLICIT_VR_LITTLE_ENDIAN", "EXPLICIT_VR_LITTLE_ENDIAN",
                    "DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN", "EXPLICIT_VR_BIG_ENDIAN"):  # fmt: skip
        name = UID(getattr(uids, keyword)).name
        assert name.upper().replace(" ", "_") == keyword
    assert uid_name(uids.RT_DOSE_STORAGE) == "RT Dose Storage"


def test_classes_that_decide_about_scales() -> None:
    """A header without Modality is one of PET, or of a dose, by its SOP Class alone."""
    named = {uid: row[0] for uid, row in UID_dictionary.items()}
    assert [uid for uid, name in named.items() if name == "RT Dose Storage"] == [
        uids.RT_DOSE_STORAGE
    ]
    assert [uid for uid, name in named.items() if "Positron Emission Tomography" in name] == [
        uids.PET_IMAGE_STORAGE
    ]


@pytest.mark.parametrize("uid", ["", "1.2.3", uids.RT_DOSE_STORAGE, "not a UID"])
def test_no_transfer_syntax(uid: str) -> None:
    assert UID(uid, validation_mode=config.IGNORE).type != "Transfer Syntax"
    assert syntax_name(uid) == ""


def test_image_storage() -> None:
    """All that are named so, and others whose instances have pixels."""
    known = {uid: row[0] for uid, row in UID_dictionary.items() if row[1] == "SOP Class"}
    named = {uid for uid, name in known.items() if "Image Storage" in name and ".4.1.1." in uid}
    assert named <= uids.IMAGE_STORAGE
    others = {known[uid] for uid in uids.IMAGE_STORAGE - named if uid in known}
    assert others <= {
        "Enhanced US Volume Storage", "Parametric Map Storage", "Segmentation Storage",
        "Label Map Segmentation Storage", "Ophthalmic Thickness Map Storage",
        "Corneal Topography Map Storage", "Photoacoustic Image Storage",
        "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage",
    }  # fmt: skip
    assert named >= uids.FLUOROSCOPY_STORAGE
    assert uids.LABEL_MAP_STORAGE in uids.IMAGE_STORAGE
    assert uids.RT_DOSE_STORAGE not in uids.IMAGE_STORAGE


def test_private_syntaxes_are_not_the_standards() -> None:
    assert not uids.PRIVATE_SYNTAXES.keys() & UID_dictionary.keys()
    assert all(syntax_name(uid) == name for uid, name in uids.PRIVATE_SYNTAXES.items())
