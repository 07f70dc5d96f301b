"""What a copy declares: that identity was removed, how, and what became of dates; its File Meta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpix.deidentification.copy_options import Deidentification

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileMetaDataset

IMPLEMENTATION_CLASS_UID = "2.25.171386225912036142763018093718264129731"
IMPLEMENTATION_VERSION_NAME = "FASTPIX"
METHODS = ("fastpix", "DICOM PS3.15 2026d Annex E")
"""De-identification Method (0012,0063)."""
DATES = {"remove": "REMOVED", "shift": "MODIFIED"}
"""Longitudinal Temporal Information Modified (0028,0303)."""


def declare(
    dataset: Dataset, settings: Deidentification, patient: str, is_decided: bool = False
) -> None:
    """Write who the patient is now, and what was done (PS3.15 E.1.1)."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    dataset.PatientID = patient
    dataset.PatientName = patient
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = list(METHODS)
    items = []
    for code, meaning in settings.methods_of(is_decided):
        item = Dataset()
        item.CodeValue = code
        item.CodingSchemeDesignator = "DCM"
        item.CodeMeaning = meaning
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = Sequence(items)
    dataset.LongitudinalTemporalInformationModified = DATES[settings.dates]
    if is_decided:
        dataset.BurnedInAnnotation = "NO"  # PS3.15 E.3.1


def file_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """Return File Meta Information that tells nothing of where the original came from."""
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = sop_class  # type: ignore[assignment]
    meta.MediaStorageSOPInstanceUID = sop_instance  # type: ignore[assignment]
    meta.TransferSyntaxUID = transfer_syntax  # type: ignore[assignment]
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID  # type: ignore[assignment]
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta
