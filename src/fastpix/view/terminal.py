"""Pictures in a terminal: Kitty's, iTerm2's and the sixel protocol, and which one is spoken here.

Nothing is asked of the terminal, for an answer that nobody waits for is garbage at the prompt: the
environment tells, or nothing is shown.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from typing import IO, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fastpix.view.sheet import png_bytes

Protocol: TypeAlias = Literal["kitty", "iterm2", "sixel"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

_KITTY_PROGRAMS = frozenset({"ghostty"})
_ITERM2_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "mintty"})
_SIXEL_TERMS = frozenset({"foot", "foot-extra", "foot-direct", "mlterm", "mlterm-256color",
                          "yaft-256color", "contour", "contour-latest"})  # fmt: skip
_CHUNK = 4096  # bytes of base64 in one command of Kitty's
_USUAL_WIDTH = 800  # pixels, where the terminal does not say how wide it is


def protocol_of(stream: IO[Any], environment: Mapping[str, str]) -> Protocol | None:
    """Return how the terminal behind a stream takes pictures; None where it takes none, or may not.

    Parameters
    ----------
    stream : text stream
        A pipe or file takes no pictures.
    environment : mapping of str to str
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if not stream.isatty() or term == "dumb":
        return None
    # tmux and screen stand between, and inherit the variables of the terminal that they began in.
    if environment.get("TMUX") or environment.get("STY") or term.startswith(("tmux", "screen")):
        return None
    if term in ("xterm-kitty", "xterm-ghostty") or program in _KITTY_PROGRAMS:
        return "kitty"
    if program in _ITERM2_PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    if environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    return "sixel" if term in _SIXEL_TERMS or "sixel" in term else None


def picture_bytes(picture: NDArray[np.uint8], protocol: Protocol) -> bytes:
    """Return what makes a terminal show a picture.

    Parameters
    ----------
    picture : ndarray of uint8
        ``(rows, columns, 3)``.
    protocol : {"kitty", "iterm2", "sixel"}
    """
    if protocol == "sixel":
        return _sixel(picture)
    png = png_bytes(picture)
    text = base64.standard_b64encode(png)
    if protocol == "iterm2":
        head = f"\x1b]1337;File=inline=1;size={len(png)};preserveAspectRatio=1:".encode()
        return head + text + b"\x07\n"
    chunks = [text[k : k + _CHUNK] for k in range(0, len(text), _CHUNK)]
    parts = []
    for k, chunk in enumerate(chunks):
        keys = b"a=T,f=100,q=2," if k == 0 else b""  # q=2: the terminal does not answer
        more = b"m=1" if k < len(chunks) - 1 else b"m=0"
        parts.append(b"\x1b_G" + keys + more + b";" + chunk + b"\x1b\\")
    return b"".join(parts) + b"\n"


def fitting(picture: NDArray[np.uint8], stream: IO[Any]) -> NDArray[np.uint8]:
    """Return a picture that is not wider than the terminal, so that no column is cut off."""
    from PIL import Image

    most = _width_of(stream)
    height, width = picture.shape[:2]
    if width <= most:
        return picture
    size = most, max(1, round(height * most / width))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _width_of(stream: IO[Any]) -> int:
    """Return the width of a terminal in pixels."""
    if sys.platform == "win32":  # does not tell
        return _USUAL_WIDTH
    try:
        import fcntl
        import struct
        import termios

        answer = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        width = struct.unpack("4H", answer)[2]
    except (ImportError, OSError, ValueError):
        width = 0
    return width or _USUAL_WIDTH


def _sixel(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as sixels: bands of six rows, one colour after the other."""
    from PIL import Image

    height, width = picture.shape[:2]
    if (picture[:, :, :1] == picture).all():  # grey: 64 levels, with no pixel elsewhere
        indices = (picture[:, :, 0] >> 2).astype(np.uint8)
        levels = np.arange(64)[:, np.newaxis] * (255 / 63)
        palette = levels.repeat(3, axis=1)
    else:
        quantized = Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE)
        indices = np.asarray(quantized)
        flat = quantized.getpalette() or []
        palette = np.array(flat, np.float64).reshape(-1, 3)
    parts = [f'\x1bP0;1q"1;1;{width};{height}'.encode()]
    for index in np.unique(indices).tolist():
        red, green, blue = np.rint(palette[index] * (100 / 255)).astype(int).tolist()
        parts.append(f"#{index};2;{red};{green};{blue}".encode())
    weights = 1 << np.arange(6)[:, np.newaxis]
    for top in range(0, height, 6):
        band = indices[top : top + 6]
        rows = weights[: len(band)]
        for index in np.unique(band).tolist():
            cells = ((band == index) * rows).sum(axis=0)
            parts.append(f"#{index}".encode() + _runs(cells) + b"$")
        parts.append(b"-")
    parts.append(b"\x1b\\\n")
    return b"".join(parts)


def _runs(cells: NDArray[Any]) -> bytes:
    """Return a row of sixels, runs of equal ones as their length."""
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    lengths = np.diff(starts, append=len(cells))
    parts = []
    for value, length in zip(cells[starts].tolist(), lengths.tolist(), strict=True):
        sixel = chr(63 + value)
        parts.append(f"!{length}{sixel}" if length > 3 else sixel * length)
    return "".join(parts).encode()
