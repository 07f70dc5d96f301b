"""What headers came to, kept between audits: files that have not changed are not read again."""

from __future__ import annotations

import hmac
import io
import os
import pickle
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastpix.audit.audit_job import AuditJob
from fastpix.audit.header_counts import HeaderCounts
from fastpix.job.items import Batch, SourceFile

_SEAL = 32  # bytes of a SHA-256
_ENDING = ".batch"
_SEALED = b"fastpix audit state\0"


def default_state_folder(output: Path) -> Path:
    """Return where batches are kept: beside the output, as the key is.

    Parameters
    ----------
    output : Path
    """
    output = output.absolute()
    return output.with_name(output.name + ".state")


class KeptBatches:
    """A folder with a file for each batch of headers that was read, for its owner alone.

    The id of a batch is that of its files (keyed hashes of their paths, sizes and times of
    change), of the key, of the settings of the audit and of the version of fastpix. So what is
    found under it is what reading the headers again would give.

    A file holds counts, texts that an audit shows, and keyed hashes: no path, UID or Patient ID.
    Where files lie is asked of the scan. What names a device stands in it as the file has it, with
    ``--pseudonymous`` too, so it stays beside the key. It is sealed with the key: one that is
    damaged, or that somebody else has written, is not used. It may be removed at any time.

    Parameters
    ----------
    folder : path or None
        None: nothing is kept.
    job : AuditJob
    """

    def __init__(self, folder: str | os.PathLike[str] | None, job: AuditJob) -> None:
        self._folder = None if folder is None else Path(folder)
        if self._folder is not None:  # at once: a walk over a folder around it leaves it out
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = job.key
        self._used: set[str] = set()

    def load(self, batch: Batch) -> HeaderCounts | None:
        """Return what the headers of a batch came to, if that is kept.

        Parameters
        ----------
        batch : Batch
        """
        if self._folder is None:
            return None
        name = batch.id + _ENDING
        try:
            data = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        seal, kept = data[:_SEAL], data[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(batch, kept)):
            return None
        found: HeaderCounts = _Unpickler(kept, batch).load()
        self._used.add(name)
        return found

    def keep(self, batch: Batch, found: HeaderCounts) -> None:
        """Keep what the headers of a batch came to, unless some could not be read now.

        Parameters
        ----------
        batch : Batch
        found : HeaderCounts
            Not changed yet.
        """
        if self._folder is None or not found.is_final:
            return
        if not all(item.files[0].size or item.files[0].stamp for item in batch.items):
            return  # some could not even be looked at
        stream = io.BytesIO()
        _Pickler(stream, batch).dump(found)
        kept = stream.getvalue()
        name = batch.id + _ENDING
        temporary = self._folder / f".{name}.{secrets.token_hex(8)}"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:  # not flushed: the seal tells what is torn
                file.write(self._seal(batch, kept) + kept)
            temporary.replace(self._folder / name)
        except OSError as error:  # a full disk names no file
            raise OSError(error.errno, error.strerror, str(self._folder)) from error
        finally:
            temporary.unlink(missing_ok=True)
        self._used.add(name)

    def remove_others(self) -> None:
        """Remove what this audit has not used: files have changed, or other settings were asked."""
        if self._folder is None or not self._folder.exists():
            return
        for path in self._folder.iterdir():
            if _ENDING in path.name and path.name not in self._used:
                with suppress(OSError):  # another audit was quicker
                    path.unlink()

    def _seal(self, batch: Batch, kept: bytes) -> bytes:
        return hmac.digest(self._key, _SEALED + batch.id.encode() + kept, "sha256")


class _Pickler(pickle.Pickler):
    """Writes the number of a file in its batch in place of where it lies."""

    def __init__(self, stream: io.BytesIO, batch: Batch) -> None:
        super().__init__(stream, protocol=5)
        self._numbers = {item.files[0]: number for number, item in enumerate(batch.items)}

    def persistent_id(self, value: Any) -> int | None:
        """Return the number of a file; None of anything else."""
        return self._numbers[value] if value.__class__ is SourceFile else None


class _Unpickler(pickle.Unpickler):
    """Puts the files of a batch in place of their numbers."""

    def __init__(self, kept: bytes, batch: Batch) -> None:
        super().__init__(io.BytesIO(kept))
        self._files = [item.files[0] for item in batch.items]

    def persistent_load(self, number: int) -> SourceFile:
        """Return the file of a number."""
        return self._files[number]
