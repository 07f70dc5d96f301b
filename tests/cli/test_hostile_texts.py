"""Texts of a file in a terminal: none moves its cursor, sets its title or turns text round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.builders import encode, make_dataset

HOSTILE = "a\x1b[31m\x1b]0;title\x07\x9b31m\x7fb"
WINDOW = {"WindowCenter": "10", "WindowWidth": "20"}


@pytest.mark.parametrize(
    ("command", "attributes"),
    [
        ("info", {"RescaleType": HOSTILE, "RescaleSlope": "2", "RescaleIntercept": "0"}),
        ("view", {"WindowCenterWidthExplanation": HOSTILE, **WINDOW}),
        ("view", {"WindowCenterWidthExplanation": "x" * 5000, **WINDOW}),
        ("audit", {"Manufacturer": HOSTILE, "ManufacturerModelName": "x" * 5000}),
        ("series", {"SeriesInstanceUID": HOSTILE, "Modality": HOSTILE}),
    ],
)
@pytest.mark.usefixtures("in_this_process")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_terminal_shows_them_and_obeys_none(
    command: str, attributes: dict[str, Any], tmp_path: Path, call: Callable[..., str]
) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(encode(make_dataset(**attributes)))
    out = {"view": ("-o", tmp_path / "o.png"), "audit": (tmp_path / "out",)}.get(command, ())
    said = call(command, path, *out)
    assert said
    assert said.replace("\n", "").isprintable()
    assert len(said) < 4000
