"""What is timed of each kind of file: fastpix, what it is held against, and the targets.

A case is one row of the table of `kind_table.py`. Its members read one file after the other into
new float32 arrays, and each answer is held against what the file was made from before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import kind_files
import kind_frames
import numpy as np
from kind_files import Made, Values
from kind_frames import SLIDE_FRAME
from numpy.typing import NDArray

import fastpix
from fastpix.compare import READERS

FASTPIX, FLOOR, PLAIN, FASTEST = "fastpix", "floor", "plain", "fastest peer"
PEERS = ("pydicom", "dicomsdl", "SimpleITK", "pydcm")
ROUNDING = 3  # what sound decoders of lossy JPEG, and conversions of colour, differ by

Read = Callable[[Path], object]


class Target(NamedTuple):
    """The most that fastpix may cost.

    Attributes
    ----------
    of : str
        In times of this member or of the fastest peer; ``"ms"``: in milliseconds.
    most : float
    """

    of: str
    most: float

    def __str__(self) -> str:
        return f"≤ {self.most:g} ms" if self.of == "ms" else f"≤ {self.most:g} × {self.of}"


USUAL = (Target(FASTEST, 1.2),)
ENHANCED = (Target(FASTEST, 1.5), Target("pydicom", 1.0))
LIKE_PLAIN = (Target(PLAIN, 1.3),)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One row: a kind of file, asked for in one way.

    Attributes
    ----------
    made : Made
    targets : tuple of Target
    ours : callable
        How fastpix is asked.
    plain : callable or None
        The plain case: fastpix again, asked for what is known to be fast.
    plain_paths : list of Path
        The files of the plain case; none: the same.
    peers : dict of str to callable
    is_fair : bool
        A peer counts although it gives stored values, or its own inversion: none does more.
    expected : ndarray or None
        What `ours` must give of the first file; None: what all readers must.
    """

    made: Made
    targets: tuple[Target, ...] = USUAL
    ours: Read = fastpix.imread
    plain: Read | None = None
    plain_paths: tuple[Path, ...] = ()
    peers: dict[str, Read] | None = None
    is_fair: bool = False
    expected: Values | None = None

    def members(self) -> Iterator[tuple[str, Callable[[], object], str | None]]:
        """Yield each member's name, its call over all files, and its verdict; None: not asked."""
        made = self.made
        if made.floor is not None:
            yield FLOOR, self._over(made.floor), None
        yield FASTPIX, self._over(self.ours), self._verdict(self.ours)
        if self.plain is not None:
            paths = list(self.plain_paths) or made.paths
            yield PLAIN, partial(_read_all, self.plain, paths, None), None
        peers = whole_file_peers() if self.peers is None else self.peers
        for name, read in peers.items():
            yield name, self._over(read), self._verdict(read)

    def counts(self, verdict: str) -> bool:
        """Whether a member with this verdict did the work."""
        return verdict in ("", "±") or (self.is_fair and verdict in self.made.others)

    def _over(self, read: Read) -> Callable[[], object]:
        return partial(_read_all, read, self.made.paths, self.made.fresh)

    def _verdict(self, read: Read) -> str:
        """Return "" for the right values, "±" for rounding, or what is wrong about a reading."""
        try:
            found = read(self.made.paths[0])
        except Exception:
            return "-"
        if not isinstance(found, np.ndarray):
            return ""
        expected = self.made.expected if self.expected is None else self.expected
        if found.shape != expected.shape and found.size != expected.size:
            others = [v for v in self.made.others.items() if found.size == v[1].size]
        else:
            values = found.reshape(expected.shape).astype(np.float64)
            if np.array_equal(values, expected):
                return ""
            if expected.shape[-1] == 3 and np.abs(values - expected).max() <= ROUNDING:
                return "±"
            others = [v for v in self.made.others.items() if v[1].size == found.size]
        for name, other in others:
            if np.array_equal(found.reshape(other.shape), other):
                return name
        return "wrong"


_numbers = count(1)


def _read_all(read: Read, paths: list[Path], fresh: int | None) -> None:
    for path in paths:
        if fresh is not None:
            with open(path, "r+b", buffering=0) as file:
                file.seek(fresh)
                file.write(b"%010d" % next(_numbers))
        read(path)


def _float32(read: Callable[[str], NDArray[Any]], path: Path) -> Values:
    return read(str(path)).astype(np.float32, copy=False)


def whole_file_peers() -> dict[str, Read]:
    """Return how the peers that are installed read all of a file."""
    return {
        name: partial(_float32, READERS[name].read) for name in PEERS if READERS[name].is_present()
    }


def one_frame_peers(frame: int) -> dict[str, Read]:
    """Return how the peers that can read one frame of a file."""
    from pydicom.pixels.utils import pixel_array

    def read_dicomsdl(path: Path) -> Values:
        import dicomsdl

        values: Values = dicomsdl.open(str(path)).pixelData(index=frame)
        return values.astype(np.float32, copy=False)

    peers: dict[str, Read] = {
        "pydicom": lambda path: pixel_array(path, index=frame).astype(np.float32)
    }
    if READERS["dicomsdl"].is_present():
        peers["dicomsdl"] = read_dicomsdl
    return peers


def opening_peers() -> dict[str, Read]:
    """Return how the peers open a file, without its pixels."""
    from pydicom import dcmread

    peers: dict[str, Read] = {"pydicom": lambda path: dcmread(path, stop_before_pixels=True)}
    if READERS["dicomsdl"].is_present():
        import dicomsdl

        peers["dicomsdl"] = lambda path: dicomsdl.open(str(path))
    return peers


def _radiograph(folder: Path, threads: int) -> Case:
    plain = kind_files.radiograph(folder, photometric="MONOCHROME2")
    read = partial(fastpix.imread, threads=threads)
    return Case(
        kind_files.radiograph(folder, photometric="MONOCHROME1"),
        LIKE_PLAIN if threads > 1 else (*LIKE_PLAIN, *USUAL),
        read, read, tuple(plain.paths), {} if threads > 1 else None, is_fair=True,
    )  # fmt: skip


def _inverted_slices(folder: Path, invert: str) -> Case:
    plain = kind_files.slices(folder)
    made = kind_files.slices(folder, photometric="MONOCHROME1")
    return Case(
        made,
        (*LIKE_PLAIN, *USUAL),
        partial(fastpix.imread, invert=invert),  # type: ignore[arg-type]
        fastpix.imread,
        tuple(plain.paths),
        is_fair=True,
        expected=made.others["mirrored"] if invert == "range" else None,
    )


def _slices_into_out(folder: Path) -> Case:
    made = kind_files.slices(folder)
    out = np.empty_like(made.expected)
    read = partial(fastpix.imread, out=out)
    return Case(made, LIKE_PLAIN, read, fastpix.imread, peers={})


def _frames_of_slices(folder: Path) -> Case:
    made = kind_files.slices(folder)
    read = partial(fastpix.imread, frames=0)
    return Case(made, LIKE_PLAIN, read, fastpix.imread, peers={})


def _frames_of_volumes(folder: Path, frames: int | tuple[int, ...]) -> Case:
    made = kind_files.slices(folder, frames=16, side=64)
    chosen = made.expected[frames] if isinstance(frames, int) else made.expected[list(frames)]
    return Case(
        made,
        (*LIKE_PLAIN, *USUAL) if isinstance(frames, int) else LIKE_PLAIN,
        partial(fastpix.imread, frames=frames),
        fastpix.imread,
        peers=one_frame_peers(frames) if isinstance(frames, int) else {},
        expected=chosen,
    )


def _slide(folder: Path, with_table: bool) -> Case:
    return Case(
        kind_frames.slide(folder, with_table=with_table),
        (Target("ms", 3 if with_table else 60), *USUAL),
        partial(fastpix.imread, frames=SLIDE_FRAME),
        peers=one_frame_peers(SLIDE_FRAME),
    )


def _enhanced(make: Callable[..., Made], **how: int) -> Callable[[Path], Case]:
    return lambda folder: Case(make(folder, **how), ENHANCED, is_fair=True)


def _float_pixel_data(folder: Path) -> Case:
    peers = {name: read for name, read in whole_file_peers().items() if name != "dicomsdl"}
    return Case(kind_files.float_pixel_data(folder), peers=peers)  # it crashes on such a file


def _usual(make: Callable[..., Made], **how: object) -> Callable[[Path], Case]:
    return lambda folder: Case(make(folder, **how))


CASES: dict[str, Callable[[Path], Case]] = {
    "enhanced MR, 212 x 128 x 128": _enhanced(kind_frames.enhanced_mr, frames=212, side=128),
    "enhanced MR, 80 x 96 x 96": _enhanced(kind_frames.enhanced_mr, frames=80, side=96),
    "ophthalmic, 256 x 64 x 64": _enhanced(kind_frames.ophthalmic, frames=256, side=64),
    "ophthalmic, 520 x 128 x 128": _enhanced(kind_frames.ophthalmic, frames=520, side=128),
    "10,000 frames with groups, opened": lambda folder: Case(
        kind_frames.many_groups(folder), (Target("ms", 15),), fastpix.open, peers=opening_peers()
    ),
    "Modality LUT": _usual(kind_files.modality_lut),
    "palette": _usual(kind_files.palette, segmented=False),
    "segmented palette": _usual(kind_files.palette, segmented=True),
    "big endian, 16 bits": _usual(kind_files.big_endian),
    "native YBR_FULL_422": lambda folder: Case(
        kind_files.ybr_full_422(folder), (*USUAL, Target(FLOOR, 3.0))
    ),
    "float pixel data": _float_pixel_data,
    "deflated, 512 x 512": _usual(kind_files.deflated, side=512),
    "deflated, 2048 x 2048": _usual(kind_files.deflated, side=2048),
    "RT Dose": lambda folder: Case(kind_files.rt_dose(folder), is_fair=True),
    "MONOCHROME1, 3000 x 4000": partial(_radiograph, threads=1),
    "MONOCHROME1, 2 threads": partial(_radiograph, threads=2),
    "MONOCHROME1, 128 x 128": partial(_inverted_slices, invert="max"),
    'MONOCHROME1, "range"': partial(_inverted_slices, invert="range"),
    "frames=0, 128 x 128": _frames_of_slices,
    "frames=3 of 16": partial(_frames_of_volumes, frames=3),
    "frames=(3, 7) of 16": partial(_frames_of_volumes, frames=(3, 7)),
    "out=, 128 x 128": _slices_into_out,
    "a frame of a slide, with table": partial(_slide, with_table=True),
    "a frame of a slide, no table": partial(_slide, with_table=False),
    "SEG, 200 x 256 x 256": _usual(kind_frames.segmentation, frames=200, side=256, groups=True),
    "SEG, 100,000 x 8 x 8": _usual(kind_frames.segmentation, frames=100_000, side=8, groups=False),
}
"""How each case is made, by its name in the table."""
