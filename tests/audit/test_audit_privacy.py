"""No text of a file reaches what an audit writes, but for what names a device."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pydicom.datadict import dictionary_VR
from pydicom.uid import RLELossless
from support.builders import compress, encode, make_dataset, make_item, remove, set_raw

from fastpix.audit.audit_files import with_verdicts, write_audit
from fastpix.audit.auditing import make_audit
from fastpix.audit.extra_values import _WANTED
from fastpix.audit.report.page import write_page
from fastpix.pseudonyms import Names
from fastpix.standard.dictionary import _TAGS_OF_VR
from fastpix.standard.tags import Tag

pytestmark = pytest.mark.usefixtures("in_this_process")

SECRET = "Zq7Xw"  # no hexadecimal digits, so no hash has it
NAMING = {int(Tag.Manufacturer), int(Tag.ManufacturerModelName), int(Tag.SoftwareVersions)}
OTHERS = {
    0x00100010: "PN", 0x00080050: "SH", 0x00081030: "LO", 0x00081010: "SH", 0x00204000: "LT",
    0x00181030: "LO", 0x00101030: "DS", 0x00321060: "LO", 0x00400254: "LO", 0x2005000E: "FL",
    0x00281055: "LO", 0x00282112: "DS", 0x00282114: "CS", 0x00181056: "DS", 0x00080080: "LO",
}  # fmt: skip
TEXTS = {
    tag: vr
    for vr in ("UI", "CS", "LO", "SH", "DS", "IS", "DA", "DT", "TM")
    for tag in _TAGS_OF_VR[vr]
    if tag >> 16 != 2
} | OTHERS
TEXTS |= {tag: dictionary_VR(tag) for tag in _WANTED if dictionary_VR(tag) not in ("SQ", "SS")}
FORMS = (SECRET, f"MONOCHROME1\\{SECRET}", f" 1.2.840.10008.5.1.4.1.1.2{SECRET}")


def planted(tags: Iterable[int]) -> Iterable[bytes]:
    """Yield files, each with a secret in one element; a few without pixels or compressed."""
    for number, tag in enumerate(sorted(tags)):
        for form in FORMS[: 1 + number % 3]:
            value = form.encode()
            dataset = make_dataset(Modality="CT")
            yield encode(
                set_raw(dataset, tag, TEXTS.get(tag, "LO"), value + b" " * (len(value) % 2))
            )
    named: dict[str, Any] = {"PatientName": SECRET, "PatientID": SECRET, "StudyDescription": SECRET}
    yield encode(remove(make_dataset(**named), "PixelData"))
    yield encode(make_dataset(ContentSequence=[make_item(TextValue=SECRET)], **named))
    yield compress(make_dataset(**named), RLELossless)
    yield encode(make_dataset(**named))[:-4]


def written(folder: Path, files: Iterable[bytes], pseudonymous: bool) -> str:
    """Audit files; return all that is written."""
    source, out = folder / SECRET, folder / "out"
    source.mkdir()
    for number, data in enumerate(files):
        (source / f"{SECRET}-{number}.dcm").write_bytes(data)
    run = make_audit(
        source, Names(b"k" * 32), pseudonymous=pseudonymous, samples=3, pictures=True,
        state=folder / "state",
    )  # fmt: skip
    assert run.audit.counts.images > 3
    assert any(record.samples for record in run.audit.sources)
    assert any(run.pictures.values())
    audit = with_verdicts(run.audit, out)
    write_audit(audit, out, tables=True)
    write_page(audit, run.pictures, out)
    files_written = sorted(out.iterdir())
    assert [path.name for path in files_written] == [
        "audit.json", "findings.csv", "index.html", "samples.csv", "sources.toml",
    ]  # fmt: skip
    text = "\n".join(path.read_text("utf-8") for path in files_written)
    return re.sub(r"data:image/webp;base64,[\w+/=]*", "", text)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_no_marker_of_any_other_element(tmp_path: Path) -> None:
    text = written(tmp_path, planted(TEXTS.keys() - NAMING), pseudonymous=False)
    assert SECRET.casefold() not in text.casefold()
    kept = [path.read_bytes() for path in (tmp_path / "state").iterdir()]
    assert kept
    assert not any(SECRET.encode() in data for data in kept)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_names_of_devices_stand_as_they_are(tmp_path: Path) -> None:
    text = written(tmp_path, planted(NAMING), pseudonymous=False)
    assert text.count(SECRET) >= 3


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_pseudonyms_of_devices(tmp_path: Path) -> None:
    text = written(tmp_path, planted(TEXTS), pseudonymous=True)
    assert SECRET.casefold() not in text.casefold()
    assert "unknown-" in text


def test_known_makers_keep_their_name(tmp_path: Path) -> None:
    device: dict[str, Any] = {
        "Manufacturer": "SIEMENS Healthineers",
        "ManufacturerModelName": "SOMATOM Force",
    }
    files = [encode(make_dataset(SOPInstanceUID=f"1.{k}", **device)) for k in range(4)]
    text = written(tmp_path, files, pseudonymous=True)
    assert '"manufacturer": "Siemens"' in text
    assert '"model": "SOMATOM Force"' in text
