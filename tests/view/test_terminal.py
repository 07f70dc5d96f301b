"""Pictures in terminals, by the bytes that these get."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fastpix.view.terminal import PROTOCOLS, Protocol, fitting, picture_bytes, protocol_of

GRAY = np.arange(14 * 20, dtype=np.uint8).reshape(14, 20)[:, :, np.newaxis].repeat(3, axis=2)
COLOR = np.zeros((7, 9, 3), np.uint8)
COLOR[:3, :5] = 255, 0, 0
COLOR[3:, 2:] = 0, 51, 255


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "mlterm"}, "sixel"),
        ({"TERM": "xterm-sixel"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, None),
        ({"TERM": "linux"}, None),
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "screen", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "STY": "1.pts"}, None),
        ({}, None),
    ],
)
def test_the_environment_tells(environment: dict[str, str], protocol: str | None) -> None:
    assert protocol_of(Terminal(), environment) == protocol
    assert protocol_of(io.StringIO(), environment) is None  # a pipe or a file


def decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_kitty() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    for picture, several in ((COLOR, False), (noise, True)):
        sent = picture_bytes(picture, "kitty")
        commands = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
        assert sent == b"".join(b"\x1b_G%b;%b\x1b\\" % command for command in commands) + b"\n"
        assert (len(commands) > 1) == several
        assert all(len(text) <= 4096 for _, text in commands)
        keys = [dict(pair.split(b"=") for pair in each.split(b",")) for each, _ in commands]
        assert keys[0] | {b"m": b""} == {b"a": b"T", b"f": b"100", b"q": b"2", b"m": b""}
        assert [key[b"m"] for key in keys] == [b"1"] * (len(keys) - 1) + [b"0"]
        data = base64.b64decode(b"".join(text for _, text in commands))
        assert np.array_equal(decoded(data), picture)


def test_iterm2() -> None:
    sent = picture_bytes(COLOR, "iterm2")
    found = re.fullmatch(
        rb"\x1b\]1337;File=inline=1;size=(\d+);preserveAspectRatio=1:([^\x07]*)\x07\n", sent
    )
    assert found is not None
    png = base64.b64decode(found[2])
    assert len(png) == int(found[1])
    assert np.array_equal(decoded(png), COLOR)


def read_sixels(sent: bytes) -> NDArray[np.float64]:
    """Return the picture that a terminal shows, colours from 0 to 100; NaN where it is not told."""
    found = re.fullmatch(rb'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\\n', sent, re.DOTALL)
    assert found is not None
    width, height = int(found[1]), int(found[2])
    shown = np.full((height + 5, width, 3), np.nan)
    colors: dict[int, list[int]] = {}
    top, column, color = 0, 0, 0
    for token in re.findall(rb"#\d+;2;\d+;\d+;\d+|#\d+|!\d+[?-~]|[?-~]|\$|-", found[3]):
        if b";" in token:
            index, _, *levels = map(int, token[1:].split(b";"))
            colors[index] = levels
        elif token[:1] == b"#":
            color = int(token[1:])
        elif token == b"$":
            column = 0
        elif token == b"-":
            top, column = top + 6, 0
        else:
            length = int(token[1:-1]) if len(token) > 1 else 1
            bits = token[-1] - 63
            for row in range(6):
                if bits >> row & 1:
                    assert np.isnan(shown[top + row, column : column + length]).all()
                    shown[top + row, column : column + length] = colors[color]
            column += length
            assert column <= width
    return shown


@pytest.mark.parametrize("picture", [GRAY, COLOR])
def test_sixel(picture: NDArray[np.uint8]) -> None:
    shown = read_sixels(picture_bytes(picture, "sixel"))
    assert np.isnan(shown[len(picture) :]).all()
    # Grey has 64 levels here, and a sixel's colour is in percent.
    limit = 100 * 2 / 63 if picture is GRAY else 0.5
    assert np.abs(shown[: len(picture)] - picture * (100 / 255)).max() <= limit


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_terminal_gets_nothing_but_its_picture(protocol: Protocol) -> None:
    sent = picture_bytes(GRAY, protocol)
    body = sent[:-1].replace(b"\x1b\\", b"").replace(b"\x07", b"").replace(b"\x1b", b"")
    assert all(0x20 <= byte < 0x7F for byte in body)
    assert sent.endswith(b"\n")


def test_pictures_fit_into_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.zeros((10, 1600, 3), np.uint8)
    assert fitting(wide, io.StringIO()).shape == (5, 800, 3)  # which does not say how wide it is
    assert fitting(GRAY, io.StringIO()) is GRAY
    asked: list[Any] = []

    def ioctl(number: int, request: int, empty: bytes) -> bytes:
        asked.append(number)
        return np.array([24, 80, 400, 300], np.uint16).tobytes()

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    with open("/dev/null") as stream:
        assert fitting(wide, stream).shape == (2, 400, 3)
    assert len(asked) == 1
