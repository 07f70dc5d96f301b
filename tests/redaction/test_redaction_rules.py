"""Rules: which are used in an image, what they blank, and what is said of a wrong file."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from fastpix.errors import ArgumentError, FastpixError
from fastpix.redaction import (
    ImageDescription,
    Redaction,
    RedactionRules,
    Region,
    read_rules,
    regions_of,
    rules_of_text,
)

PHILIPS = ImageDescription(
    480, 640, ("Philips Medical Systems",), ("iU22 ",), ("US",), image_type=("ORIGINAL", "PRIMARY")
)


def rules(text: str) -> RedactionRules:
    return rules_of_text(text, "rules.toml")


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ('model = "iU22"', True),
        ('model = "IU2?"', True),
        ('model = "iU2"', False),
        ('model = "iU2*"', True),
        ('manufacturer = ["GE*", "*philips*"]', True),
        ('manufacturer = "philips*"\nmodality = "XA"', False),
        ("rows = 480\ncolumns = [800, 640]", True),
        ("rows = [479, 481]", False),
        ('image_type = "PRIMARY"', True),
        ('image_type = "SECONDARY"', False),
        ('burned_in_annotation = ""', True),
        ('burned_in_annotation = "?*"', False),
        ('burned_in_annotation = "*"', True),
        ('series_description = "[i]U22"', False),
    ],
)
def test_conditions(condition: str, is_met: bool) -> None:
    found = rules(f"[[rule]]\n{condition}\nboxes = [[0, 0, 640, 47]]")
    assert bool(found.matching(PHILIPS)) == is_met
    assert regions_of(found, PHILIPS) == ((Region(0, 0, 640, 47),) if is_met else ())


def test_what_any_rule_blanks_is_blanked() -> None:
    found = rules("""
        [[rule]]
        boxes = [[0, 0, 1000, 10]]
        [[rule]]
        modality = "US"
        boxes = [[0, 5, 640, 10], [700, 0, 9, 9]]
        [[rule]]
        keep = [[0, 0, 640, 400]]
        boxes = [[630, 390, 10, 10]]
        [[rule]]
        modality = "US"
        boxes = []
    """)
    assert regions_of(found, PHILIPS) == (
        Region(0, 0, 640, 15), Region(630, 390, 10, 10), Region(0, 400, 640, 80),
    )  # fmt: skip
    assert len(found.matching(PHILIPS)) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "version is 2, and this fastpix knows 1: use a later one"),
        ("[[rules]]\nboxes = []", "rules.toml: rules is not known: did you mean rule?"),
        ("", "holds no rule"),
        ("rule = 3", "line 1: rule is no array of tables"),
        ('[[rule]]\nboxes = []\n\n[[rule]]\nname = "x"\nmanufaturer = "GE"\nboxes = []',
         "line 6, rule 2: manufaturer is not known: did you mean manufacturer?"),
        ('[[rule]]\nname = "x"', "line 1, rule 1: boxes is missing"),
        ("[[rule]]\nboxes = [[1, 2, 3]]", "line 2, rule 1: boxes is no list of boxes: .1, 2, 3."),
        ("[[rule]]\nboxes = [1, 2, 3, 4]", "line 2, rule 1: boxes is .* list of boxes"),
        ("[[rule]]\nkeep = [[0, 0, 0, 1]]", "line 2, rule 1: keep is no list of boxes"),
        ("[[rule]]\nrows = 1.5\nboxes = []", "line 2, rule 1: rows is 1.5: write a number"),
        ("[[rule]]\nrows = [0]\nboxes = []", "an image has 1 or more"),
        ("[[rule]]\nmodel = []\nboxes = []", "write a text in quotation marks, or a list"),
        ("[[rule]]\nname = 3\nboxes = []", "line 2, rule 1: name is 3"),
        ("[[rule]\n", "is no TOML: .* correct it there"),
        ("rule = [{boxes = [], modle = 'x'}]", "rules.toml, rule 1: modle is not known"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    with pytest.raises(FastpixError, match=words):
        rules(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b'\xef\xbb\xbf[[rule]]\nmodel = "iU22"\nboxes = [[0, 0, 9, 9]]\n')
    assert regions_of(read_rules(path), PHILIPS) == (Region(0, 0, 9, 9),)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FastpixError, match="save it in UTF-8"):
        read_rules(str(path))


def test_the_recipe_of_deid_comes_with_fastpix() -> None:
    """Of its 105 labels that blank anything, 5 need what rules do not look at; some become two."""
    found = read_rules("deid")
    assert len(found.rules) == 103
    assert regions_of(found, PHILIPS) == (Region(0, 0, 640, 47),)
    # `coordinates` are corners, `ctpcoordinates` have a size.
    screen = ImageDescription(512, 512, ("GE MEDICAL SYSTEMS",), ("LightSpeed VCT",), ("CT",),
                              image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"))  # fmt: skip
    assert regions_of(found, screen) == (Region(0, 0, 512, 121),)
    plain = screen._replace(image_type=("ORIGINAL", "PRIMARY", "AXIAL"))
    assert not found.matching(plain)


def test_rules_survive_json_and_pickle() -> None:
    found = Redaction(read_rules("deid"), (Region(1, 2, 3, 4),), True)
    assert Redaction.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found) == hash(pickle.loads(pickle.dumps(found)))


def test_ids_differ_where_rules_do() -> None:
    one = rules("[[rule]]\nname = 'a'\nboxes = [[0, 0, 1, 1]]")
    same = rules("[[rule]]\nname = 'b'\nboxes = [[0, 0, 1, 1]]")
    other = rules("[[rule]]\nname = 'a'\nkeep = [[0, 0, 1, 1]]\nboxes = [[0, 0, 1, 1]]")
    assert one.id == same.id != other.id


def test_boxes_regions_of_ultrasound_and_rules_together() -> None:
    redaction = Redaction(
        rules("[[rule]]\nmodality = 'US'\nboxes = [[0, 0, 640, 5]]"), (Region(0, 470, 640, 100),)
    )
    assert redaction.blanked(PHILIPS) == (Region(0, 0, 640, 5), Region(0, 470, 640, 10))
    kept = (Region(0, 0, 640, 475),)
    assert redaction.blanked(PHILIPS, kept) == redaction.blanked(PHILIPS)
    assert redaction
    assert not Redaction()
    assert Redaction().blanked(PHILIPS) == ()


def test_a_box_that_blanks_nothing_is_an_error() -> None:
    with pytest.raises(
        ArgumentError, match="lies outside of an image of 640 x 480 pixels"
    ) as found:
        Redaction(boxes=(Region(640, 0, 1, 1),)).blanked(PHILIPS)
    assert "640" not in found.value.storable
