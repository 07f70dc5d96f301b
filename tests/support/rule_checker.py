"""A checker of PS3.15 Table E.1-1 that shares no code with the audit: pydicom, and the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset

from fastpix.standard.confidentiality_profile import profile

DUMMIES = {
    "DEIDENTIFIED", "DEID", "000D", "19000101", "19000101000000", "000000", "0", "1900-01-01",
}  # fmt: skip


def walk(dataset: Dataset, place: str = "") -> Iterator[tuple[str, Dataset, pydicom.DataElement]]:
    """Give every element of every level."""
    for element in dataset:
        here = f"{place}/{element.tag}"
        yield here, dataset, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from walk(item, f"{here}[{number}]")


def broken_rules(path: Path, options: frozenset[str]) -> list[str]:
    """Return the place and the rule of everything in a copy that the table forbids."""
    copy = pydicom.dcmread(path)
    broken = []
    for place, _, element in walk(copy):
        tag = int(element.tag)
        if element.tag.is_private or tag not in DicomDictionary or tag >> 24 in (0x50, 0x60):
            broken.append(f"{place}: may not be there")
            continue
        rule = profile().rules.get(tag)
        if rule is None or place.strip("/") in ("(0010,0010)", "(0010,0020)"):
            continue
        chosen = {rule.options[option] for option in options if option in rule.options}
        if chosen:
            continue  # kept or shifted: other tests compare these with the original
        texts = element.value if element.VM > 1 else [element.value]
        dummy = all(str(text) in DUMMIES or str(text).startswith("2.25.") for text in texts)
        bytes_only = isinstance(element.value, bytes) and not element.value.strip(b"\0")
        filled = not element.is_empty and not (dummy or bytes_only)
        if rule.basic == "U":
            known = all(str(text).startswith(("2.25.", "1.2.840.10008.")) for text in texts)
            if not element.is_empty and not known:
                broken.append(f"{place}: U")
        elif rule.basic == "X" and filled:
            broken.append(f"{place}: X")
        elif rule.basic in ("Z", "X/Z", "Z/D", "D", "X/D", "X/Z/D") and filled:
            broken += [f"{place}: {rule.basic}"] * (element.VR != "SQ" or "D" not in rule.basic)
    return broken
