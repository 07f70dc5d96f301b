"""Output files that are whole or absent: written under another name, flushed, renamed."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastpix.job.sidecar import FORMAT

ARRAY_KEY = "pixels"
_TEMPORARY = re.compile(r"\..+\.writing-(?P<host>.+)-(?P<pid>[0-9]+)")
_DAY = 86400.0


class Store:
    """A folder of ``NAME.npz`` and ``NAME.json``; the sidecar is the commit.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def is_current(self, name: str, state: str, recipe: dict[str, Any]) -> bool:
        """Whether an instance is there, whole, from this state of its source and by this recipe."""
        try:
            kept = json.loads((self.folder / f"{name}.json").read_bytes())
            return bool(
                kept["format"] == FORMAT
                and kept["source"]["state"] == state
                and kept["recipe"] == recipe
                and (self.folder / f"{name}.npz").stat().st_size == kept["array"]["bytes"]
            )
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def discard(self, name: str) -> None:
        """Remove an instance, the sidecar first, so that no array is left with a wrong one."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        (self.folder / f"{name}.npz").unlink(missing_ok=True)

    def write(self, name: str, array: NDArray[Any], sidecar: dict[str, Any]) -> None:
        """Write one instance: the array, then its sidecar.

        Raises
        ------
        OSError
            The disk is full, say. Nothing half-written keeps its name.
        """
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        arrays = {ARRAY_KEY: array}
        size = self._replace(f"{name}.npz", lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
        sidecar = sidecar | {"array": {"file": f"{name}.npz", "key": ARRAY_KEY, "bytes": size,
                                       **sidecar["array"]}}  # fmt: skip
        text = json.dumps(sidecar, indent=1, allow_nan=False) + "\n"
        self._replace(f"{name}.json", lambda file: file.write(text.encode()))
        _flush_folder(self.folder)

    def clean(self) -> None:
        """Remove what killed runs were writing; what a living one writes stays."""
        for path in self.folder.glob(".*.writing-*"):
            match = _TEMPORARY.fullmatch(path.name)
            if match is not None and not _is_being_written(path, match["host"], int(match["pid"])):
                path.unlink(missing_ok=True)

    def _replace(self, name: str, write: Callable[[BinaryIO], object]) -> int:
        temporary = self.folder / f".{name}.writing-{platform.node() or 'host'}-{os.getpid()}"
        try:
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
                size = os.fstat(file.fileno()).st_size
            temporary.replace(self.folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return size


def _flush_folder(folder: Path) -> None:
    """Make renames last through a power failure, where the system can say so."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_being_written(path: Path, host: str, pid: int) -> bool:
    if host != (platform.node() or "host"):  # of another machine of a cluster
        try:
            return time.time() - path.stat().st_mtime < _DAY
        except OSError:
            return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has asked for its exit code, as in many containers."""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return status.rpartition(b")")[2].split()[:1] == [b"Z"]
