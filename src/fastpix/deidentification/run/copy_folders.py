"""Where copies lie: under their names in DST; before that, and while they wait, in DST.work."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Collection, Iterable, Iterator
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

    def attempts(self, run: str = "") -> list[Path]:
        """Return the folders of attempts that are there.

        Parameters
        ----------
        run : str
            What their names begin with; those of all runs if not given.
        """
        with suppress(FileNotFoundError):
            return [folder for folder in self._making.iterdir() if folder.name.startswith(run)]
        return []

    def remove_copies(self) -> None:
        """Remove all copies, and all that wait: they were made by other settings."""
        shutil.rmtree(self.output / COPIES, ignore_errors=True)
        self.remove_waiting_but(())

    def remove_waiting_but(self, names: Collection[str]) -> None:
        """Remove copies and pictures from the review folder that do not wait there.

        Parameters
        ----------
        names : collection of str
            Of the copies that wait.
        """
        with suppress(FileNotFoundError):
            for path in self.review.iterdir():
                is_ours = path.suffix in (_ENDING, _PICTURE) and _is_name(path.stem)
                if is_ours and path.stem not in names:
                    path.unlink(missing_ok=True)

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

    def remove(self, name: str) -> None:
        """Remove a copy, whether it is out or waits, and its picture.

        Parameters
        ----------
        name : str
        """
        for path in (self.copy(name), *self.waiting(name)):
            path.unlink(missing_ok=True)

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


def remove_attempts(folders: Iterable[Path]) -> None:
    """Remove folders of attempts, and what is in them.

    Parameters
    ----------
    folders : iterable of Path
    """
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def give_name(made: Path, path: Path) -> None:
    """Move a copy that was audited to its name in DST, as readable there as the folder is.

    Until then its owner alone can read it. Names are not flushed: that is for the caller.

    Parameters
    ----------
    made : Path
        In DST.work.
    path : Path
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        made.chmod(stat.S_IMODE(path.parent.stat().st_mode) & 0o666)
    os.replace(made, path)


def _is_name(name: str) -> bool:
    return len(name) == _DIGITS and not set(name) - set("0123456789abcdef")
