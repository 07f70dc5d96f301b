"""Write the rules that come with fastpix from the recipe of deid (`deid.dicom`; MIT).

    pip download --no-deps --no-binary :all: deid; tar xf deid-*.tar.gz
    python scripts/make_deid_rules.py deid-*/ src/fastpix/redaction/deid_rules.toml

A rule of the recipe that needs an attribute which fastpix's rules do not look at is left out, and
is named at the end of the file.
"""

from __future__ import annotations

import re
import sys
from itertools import product
from pathlib import Path
from typing import NamedTuple

NAMES = {
    "Manufacturer": "manufacturer",
    "Manfacturer": "manufacturer",  # misspelt in the recipe, where such a rule is never met
    "Manufacture": "manufacturer",
    "ManufacturerModelName": "model",
    "Modality": "modality",
    "Rows": "rows",
    "Columns": "columns",
    "ImageType": "image_type",
    "SeriesDescription": "series_description",
    "ProtocolName": "protocol",
    "BurnedInAnnotation": "burned_in_annotation",
    "ImplementationVersionName": "implementation",
}
EXACT = {"modality", "burned_in_annotation"}  # codes, of which none is a part of another
CONDITION = re.compile(r"(contains|equals|missing|empty|present|notcontains|notequals) (\w+) ?(.*)")

HEAD = """\
# Rules that say where images carry text, by maker, model and size.
#
# Converted by scripts/make_deid_rules.py from the recipe `deid.dicom` of deid {version}
# (https://github.com/pydicom/deid), much of which comes from the pixel anonymizer of the RSNA's
# CTP. Nobody has checked them on the devices that they name: look at what they blank.
#
# The recipe is under the MIT licence:
#
{licence}

version = 1
"""


class Label(NamedTuple):
    """A rule of the recipe.

    Attributes
    ----------
    name : str
    groups : list of list of str
        Conditions: one of each group must be met.
    boxes : list of list of int
        x, y, width, height.
    """

    name: str
    groups: list[list[str]]
    boxes: list[list[int]]


def labels_of(text: str) -> list[Label]:
    """Return the rules of a recipe that blank anything."""
    found: list[Label] = []
    for line in map(str.strip, text.partition("%header")[0].splitlines()):
        if line.startswith("LABEL"):
            found.append(Label(line.removeprefix("LABEL").strip(), [], []))
        elif not line or line[0] in "#%" or line.startswith("FORMAT"):
            continue
        elif "coordinates" in line:
            kind, _, numbers = line.partition(" ")
            box = [int(number) for number in numbers.split(",")]
            if kind == "coordinates":  # two corners
                box[2:] = box[2] - box[0], box[3] - box[1]
            found[-1].boxes.append(box)
        else:
            parts = re.split(r"\s*\|\|\s*", line.lstrip("+ "))
            found[-1].groups.append([part for part in parts if part])
    return [label for label in found if label.boxes]


def condition_of(text: str) -> tuple[str, list[str]] | None:
    """Return the key of a condition and its values as TOML; None where rules have no such one."""
    matched = CONDITION.fullmatch(text)
    if matched is None or matched[1] not in ("contains", "equals", "missing", "empty"):
        return None
    action, attribute, value = matched.groups()
    key = NAMES.get(attribute)
    if key is None or re.search(r"\w\+\w", value):
        return None
    if action in ("missing", "empty"):
        return key, ['""']
    values = [each.strip().rstrip("+") for each in value.split("|")]
    if key in ("rows", "columns"):
        return key, values
    if action == "equals" or key in EXACT:
        return key, [f'"{each}"' for each in values]
    return key, [f'"*{each}*"' for each in values]


def tables_of(label: Label) -> list[str] | None:
    """Return the tables of a rule, one for each way to meet it; None where it cannot be written."""
    tables = []
    for chosen in product(*label.groups):
        keys: dict[str, list[str]] = {}
        for text in chosen:
            condition = condition_of(text)
            if condition is None:
                return None
            key, values = condition
            both = key in keys and keys[key] != values
            # Two conditions on one text: the longer one of two that contain each other.
            if both and not _is_narrower(values, keys[key]):
                if not _is_narrower(keys[key], values):
                    return None
                continue
            keys[key] = values
        lines = ["[[rule]]", f'name = "{label.name.replace(chr(34), "")}"']
        lines += [
            f"{key} = {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'}"
            for key, values in keys.items()
        ]
        tables.append("\n".join([*lines, f"boxes = {label.boxes}"]))
    return tables


def _is_narrower(one: list[str], other: list[str]) -> bool:
    """Whether each text of the first contains one of the second."""
    return all(any(wide.strip('"*') in narrow for wide in other) for narrow in one)


def main(folder: Path, target: Path) -> None:
    """Convert the recipe in the unpacked folder of a release of deid."""
    version = re.search(r"^Version: (.+)$", (folder / "PKG-INFO").read_text(), re.M)
    assert version is not None
    licence = (folder / "LICENSE").read_text().strip().splitlines()
    tables: dict[str, None] = {}
    left_out = []
    for label in labels_of((folder / "deid/data/deid.dicom").read_text()):
        made = tables_of(label)
        if made is None:
            left_out.append(f"#   {label.name}: {'; '.join(' || '.join(g) for g in label.groups)}")
        else:
            tables |= dict.fromkeys(made)
    head = HEAD.format(
        version=version[1], licence="\n".join(f"# {line}".rstrip() for line in licence)
    )
    tail = "\n# Left out, since they need what these rules do not look at:\n" + "\n".join(left_out)
    target.write_text("\n".join([head, *(f"{table}\n" for table in tables)]) + tail + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
