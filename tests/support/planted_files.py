"""Instances with a marker in every place where a person's data can be."""

from __future__ import annotations

from pathlib import Path

import pydicom.uid
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from fastpix.standard.confidentiality_profile import profile

MARKER = "Qwertzmann"
FOREIGN = "Ёжиков"
PATIENT_ID = "MRN-8273645"
UID = "1.2.826.0.1.3680043.9.7777.1.2.3"
DATE = "20190307"
_VALUES = {
    "PN": f"{MARKER}^Xaverine", "DA": DATE, "DT": f"{DATE}101112.5", "TM": "101112", "AS": "045Y",
    "UI": UID, "IS": "7", "DS": "7.5", "CS": "QWERTZMANN", "AE": MARKER, "US": 7,
}  # fmt: skip
_LISTED_ELSEWHERE = {0x0040A730, 0x00420011, 0x00041220, 0x54000100}  # what makes it no image


def marked(tag: int) -> object:
    """Return a value of a tag that gives the patient away."""
    vr = dictionary_VR(tag)
    if vr == "SQ":
        item = Dataset()
        item.PatientName = f"{MARKER}^Nested"
        item.add_new(0x00090010, "LO", "PRIVATE")
        item.add_new(0x00091001, "LO", MARKER)
        item.ReferencedSOPInstanceUID = UID
        return Sequence([item])
    if vr in ("OB", "OW", "UN"):
        return MARKER.encode()
    return _VALUES.get(vr, MARKER[:16])


def planted(sop_class: str, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """Return an image whose every listed, private and free element has a marker."""
    dataset = Dataset()
    for tag in profile().rules:
        if tag >> 16 <= 4 or tag in _LISTED_ELSEWHERE or tag >> 16 > 0x7FE0:
            continue
        try:
            dataset.add_new(tag, dictionary_VR(tag), marked(tag))
        except KeyError:
            continue
    dataset.SpecificCharacterSet = "ISO_IR 144"
    dataset.SOPClassUID = sop_class
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, f"{UID}.{len(keyword)}")
    dataset.PatientID = PATIENT_ID
    dataset.PatientName = f"{MARKER}^Xaverine={FOREIGN}"
    dataset.Modality = "CT"
    dataset.Manufacturer = f"{MARKER} Works"
    dataset.add_new(0x00090010, "LO", "PRIVATE")
    dataset.add_new(0x00091001, "LO", MARKER)
    dataset.add_new(0x00091002, "UN", MARKER.encode("utf-16-le"))
    dataset.add_new(0x00091003, "SQ", marked(0x00081140))
    dataset.add_new(0x00180FFE, "LO", MARKER)  # unknown, of an even group
    dataset.add_new(0x60003000, "OW", b"\1" * 8)
    dataset.add_new(0x50000010, "US", 1)
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 7, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.add_new(0x7FE00010, "OB", bytes(range(16)))
    dataset.add_new(0xFFFCFFFC, "OB", MARKER.encode())
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta.SourceApplicationEntityTitle = MARKER
    dataset.preamble = MARKER.encode().ljust(128, b"\0")
    return dataset


def write(dataset: Dataset, path: Path) -> Path:
    """Write it as it is."""
    dataset.save_as(path, enforce_file_format=True)
    return path
