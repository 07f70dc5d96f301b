"""Copies read by programs of others: dcmdump of dcmtk, and dciodvfy of dicom3tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.verifying import Fault, OnVerified
from fastpix.errors import ArgumentError
from fastpix.image.frame_threads import cores
from fastpix.job.dataset_file import check_key
from fastpix.job.scan import open_sources
from fastpix.job.scan.source_locations import is_plain
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.pseudonyms import Names, default_key_file, load_key

_UID = re.compile(r"\d+(?:\.\d+){3,}|2\.25\.\d+")
_SECONDS = 300.0  # that a program may take for a file
_SHOWN = 200  # characters of what a program says


def _dcmdump(path: str) -> Iterator[str]:
    done = _run("dcmdump", "-q", path)
    if done.returncode:
        yield "it gives up"
    for line in done.stderr.splitlines():
        if line.startswith(("E:", "F:")):
            yield line[2:].strip().replace(path, "the file")


def _dciodvfy(path: str) -> Iterator[str]:
    done = _run("dciodvfy", path)
    for line in (*done.stderr.splitlines(), *done.stdout.splitlines()):
        if line.startswith("Error"):
            yield line


READERS: dict[str, Callable[[str], Iterator[str]]] = {"dcmdump": _dcmdump, "dciodvfy": _dciodvfy}
"""What yields the errors that each finds in a file."""


def missing_readers() -> list[str]:
    """Return those that are not installed."""
    return [name for name in READERS if shutil.which(name) is None]


def _errors(name: str, path: str) -> Iterator[str]:
    try:
        yield from READERS[name](path)
    except subprocess.TimeoutExpired:
        yield f"it takes more than {_SECONDS:.0f} seconds"


def external_errors(path: str | os.PathLike[str]) -> set[str]:
    """Return what programs of others find wrong with a file; UIDs are left out of their words.

    Parameters
    ----------
    path : path
    """
    return {
        f"{name}: {_UID.sub('UID', line)[:_SHOWN]}"
        for name in READERS
        for line in _errors(name, os.fspath(path))
    }


def verify_externally(
    dst: str | os.PathLike[str],
    originals: str | os.PathLike[str] | None = None,
    *,
    key_file: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    on_verified: OnVerified | None = None,
) -> list[Fault]:
    """Have programs of others read the copies of a folder, and return what they find wrong.

    Parameters
    ----------
    dst : path
        What `fastpix.deidentify` has written to.
    originals : path, optional
        The source of the copies: an error that an original has too is none of its copy.
    key_file : path, optional
        ``<dst>.key`` if not given.
    root : path, optional
        That of the job.
    on_verified : callable, optional

    Raises
    ------
    ArgumentError
        The originals of no copy are found, or the key is another one.
    FileNotFoundError
        A program is not installed, or there is no key.
    """
    folders = CopyFolders(dst)
    copies = sorted((name, path) for name, path in folders.copies() if name)
    places: dict[str, str] = {}
    if originals is not None:
        places = _places(folders, originals, key_file, root, {name for name, _ in copies})
        if copies and not places:
            raise ArgumentError(
                "originals", "they are not those of these copies: give the source, key and root "
                "of the job",
            )  # fmt: skip
    faults: list[Fault] = []
    with ThreadPoolExecutor(cores()) as pool:

        def errors_of(copy: tuple[str, Path]) -> set[str]:
            name, path = copy
            found = external_errors(path)
            return found - external_errors(places[name]) if found and name in places else found

        for k, found in enumerate(pool.map(errors_of, copies)):
            file = copies[k][1].relative_to(folders.output).as_posix()
            faults += [Fault(file, why) for why in sorted(found)]
            if on_verified is not None:
                on_verified(k + 1, len(copies))
    return faults


def _places(
    folders: CopyFolders,
    originals: str | os.PathLike[str],
    key_file: str | os.PathLike[str] | None,
    root: str | os.PathLike[str] | None,
    wanted: set[str],
) -> dict[str, str]:
    key_path = Path(key_file) if key_file is not None else default_key_file(folders.output)
    key_path.stat()  # a key made now would find nothing
    names = Names(load_key(key_path, folders.output))
    check_key(LocalStorage(folders.output), names.fingerprint, str(key_path))
    found = open_sources(originals, root, skipped=[folders.output, folders.work]).files()
    return {
        name: file.location
        for file in found
        if is_plain(file.location) and (name := names.of_path(file.relative)) in wanted
    }


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
    )
