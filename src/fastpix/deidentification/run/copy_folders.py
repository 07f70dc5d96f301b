"""Where copies lie: under their names in DST; before that, and while they wait, in DST.work."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError

COPIES = "copies"
_MAKING, _REVIEW = "making", "review"
_ENDING, _PICTURE = ".dcm", ".png"
_OWNER = 0o700
_DIGITS = 32  # hexadecimal, of a name
_NUMBER = 16  # of these, that are its number: see `name_numbers`


class CopyFolders:
    """Folders of a set of copies.

    Attributes
    ----------
    output : Path
        DST: what goes out.
    work : Path
        DST.work, for its owner alone: it is never inside DST, and on the same file system.
    review : Path
        Copies that wait for a person, and their pictures.

    Parameters
    ----------
    output : path
    """

    def __init__(self, output: str | os.PathLike[str]) -> None:
        self.output = Path(output).absolute()
        self.work = self.output.with_name(self.output.name + ".work")
        self.review = self.work / _REVIEW
        self._making = self.work / _MAKING

    def make(self) -> None:
        """Make the folders.

        Raises
        ------
        ArgumentError
            A name would not be given at once: the folders lie on two file systems. Or others may
            look into DST.work.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        if self.work.is_symlink():
            raise ArgumentError("dst", f"{self.work} is a link: remove it")
        self.work.mkdir(mode=_OWNER, exist_ok=True)
        found = self.work.stat()
        if sys.platform != "win32" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise ArgumentError(
                "dst",
                f"{self.work} can be read by others, and copies lie there before they are audited: "
                f"make it yours alone (chmod 700)",
            )
        if found.st_dev != self.output.stat().st_dev:
            raise ArgumentError(
                "dst",
                f"{self.output} is a file system of its own, and copies are moved there from "
                f"{self.work}: name a folder inside of it",
            )
        for folder in (self.review, self._making):
            folder.mkdir(mode=_OWNER, exist_ok=True)

    def new_attempt(self, attempt: str) -> Path:
        """Make the folder of an attempt at a batch.

        Parameters
        ----------
        attempt : str
        """
        folder = self._making / attempt
        folder.mkdir(mode=_OWNER)
        return folder

    def remove_attempts(self, run: str = "") -> None:
        """Remove what attempts have left whose names begin so.

        Parameters
        ----------
        run : str
            Of all runs if not given: none of them is alive.
        """
        with suppress(FileNotFoundError):
            for folder in self._making.iterdir():
                if folder.name.startswith(run):
                    shutil.rmtree(folder, ignore_errors=True)

    def key_of(self, name: str) -> str:
        """Return where a copy lies below DST.

        Parameters
        ----------
        name : str
            Keyed hash of the path of its original.
        """
        return f"{COPIES}/{name[:2]}/{name}{_ENDING}"

    def copy(self, name: str) -> Path:
        """Return where a copy lies.

        Parameters
        ----------
        name : str
        """
        return self.output / self.key_of(name)

    def waiting(self, name: str) -> tuple[Path, Path]:
        """Return where a copy lies that waits for a person, and its picture.

        Parameters
        ----------
        name : str
        """
        return self.review / f"{name}{_ENDING}", self.review / f"{name}{_PICTURE}"

    def made(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Return where an attempt writes a copy, and its picture.

        Parameters
        ----------
        folder : Path
            Of the attempt.
        name : str
        """
        return folder / f"{name}{_ENDING}", folder / f"{name}{_PICTURE}"

    def numbers_there(self) -> NDArray[np.uint64]:
        """Return the numbers of the names of all copies that are there, waiting ones included."""

        def found() -> Iterator[str]:
            yield from (name for name, _ in self.copies())
            with suppress(FileNotFoundError):
                yield from (file.removesuffix(_ENDING) for file in os.listdir(self.review))

        numbers = (int(name[:_NUMBER], 16) for name in found() if _is_name(name))
        return np.fromiter(numbers, np.uint64)

    def copies(self) -> Iterator[tuple[str, Path]]:
        """Yield all that lies among the copies, by name; empty where it is no name of a copy."""
        for folder, _, files in os.walk(self.output / COPIES):
            for file in files:
                path = Path(folder, file)
                name = file.removesuffix(_ENDING)
                yield (name if _is_name(name) and self.copy(name) == path else ""), path


def _is_name(name: str) -> bool:
    return len(name) == _DIGITS and not set(name) - set("0123456789abcdef")
