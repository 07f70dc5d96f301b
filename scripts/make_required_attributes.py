"""Write src/fastpix/standard/required_attributes.json.gz: what each IOD of PS3.3 demands.

From the tables that highdicom generates of the standard (MIT): of each SOP class the attributes of
Type 1, 1C, 2 and 2C, at every level, that de-identification may touch: those of Table E.1-1 of
PS3.15, texts, dates, UIDs and the sequences around them. Equal levels (the same macro in many
sequences) are stored once.

    python scripts/make_required_attributes.py HIGHDICOM_WHEEL
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from pydicom.datadict import dictionary_VR, tag_for_keyword

STANDARD = Path(__file__).parent.parent / "src/fastpix/standard"
TOUCHED = {"AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
Tree = dict[str, tuple[str, "Tree"]]


def load(wheel: str, name: str) -> Any:
    """Return one of highdicom's tables."""
    with ZipFile(wheel) as archive:
        return json.loads(archive.read(f"highdicom/_standard/{name}"))


def main(wheel: str) -> None:
    """Write the file."""
    listed = json.loads((STANDARD / "confidentiality_profile.json").read_text())["rules"].keys()
    sops = load(wheel, "sop_class_iod_map.json")
    iods = load(wheel, "iod_module_map.json")
    modules = load(wheel, "module_attribute_map.json")

    nodes: list[dict[str, list[Any]]] = [{}]
    known: dict[str, int] = {"{}": 0}

    def stored(tree: Tree) -> int:
        """Return the number of a level: of those below it first."""
        level = {}
        for tag in sorted(tree):
            kind, below = tree[tag]
            number = stored(below)
            is_sequence = dictionary_VR(int(tag, 16)) == "SQ"
            if kind and (is_sequence or tag in listed or dictionary_VR(int(tag, 16)) in TOUCHED):
                level[tag] = [kind, number] if number else [kind]
            elif number:
                level[tag] = ["3", number]
        key = json.dumps(level)
        if key not in known:
            known[key] = len(nodes)
            nodes.append(level)
        return known[key]

    numbers = {}
    for name, attributes in modules.items():
        tree: Tree = {}
        for attribute in attributes:
            at = tree
            for keyword in (*attribute["path"], attribute["keyword"]):
                tag = tag_for_keyword(keyword)
                if tag is None:
                    break
                key = f"{tag:08X}"
                _, below = at.setdefault(key, ("", {}))
                last = keyword == attribute["keyword"]
                if last and attribute["type"] in ("1", "1C", "2", "2C"):
                    at[key] = (attribute["type"], below)
                at = below
        numbers[name] = stored(tree)
    used = {
        iod: sorted({numbers.get(module["key"], 0) for module in modules_of} - {0})
        for iod, modules_of in iods.items()
    }
    names = sorted(set(sops.values()))
    data = {
        "about": "highdicom 0.28.2, Copyright 2020 MGH Computational Pathology (MIT); PS3.3",
        "levels": nodes,
        "iods": [[name, used[name]] for name in names],
        "sop_classes": {uid: names.index(iod) for uid, iod in sorted(sops.items())},
    }
    packed = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 9, mtime=0)
    (STANDARD / "required_attributes.json.gz").write_bytes(packed)
    print(len(nodes), "levels", len(packed), "bytes", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
