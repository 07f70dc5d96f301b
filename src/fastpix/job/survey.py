"""Which files of a job nothing here can decode, told before the first is read whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from fastpix.errors import UnsupportedTransferSyntaxError
from fastpix.frames.codecs import usable_decoders
from fastpix.header.file_meta import transfer_syntax_of
from fastpix.job.files import SourceFile
from fastpix.standard.syntaxes import NATIVE

_HEAD = 2048  # bytes: File Meta is a few hundred
_TOGETHER = 256  # files a task; several tasks wait for a slow disk at the same time
_TASKS = 8


def find_undecodable(
    files: Sequence[SourceFile], pinned: str | None
) -> list[tuple[UnsupportedTransferSyntaxError, int]]:
    """Read the File Meta of files, and return what cannot be decoded with how many files have it.

    Parameters
    ----------
    files : sequence of SourceFile
    pinned : str, optional
        The one decoder that the job will use.

    Returns
    -------
    list of (UnsupportedTransferSyntaxError, int)
        Each says what to install or do; the most frequent first. Files without File Meta are not
        counted: their syntax is found out when they are read, and is native.
    """
    syntaxes: Counter[str] = Counter()
    parts = [files[k : k + _TOGETHER] for k in range(0, len(files), _TOGETHER)]
    with ThreadPoolExecutor(_TASKS) as pool:
        for found in pool.map(_count, parts):
            syntaxes += found
    missing = []
    for syntax, count in syntaxes.most_common():
        try:
            if syntax not in NATIVE:
                usable_decoders(syntax, pinned)
        except UnsupportedTransferSyntaxError as error:
            missing.append((error, count))
    return missing


def _count(files: Iterable[SourceFile]) -> Counter[str]:
    return Counter(filter(None, (_transfer_syntax(file.path) for file in files)))


def _transfer_syntax(path: str) -> str:
    """Return the Transfer Syntax UID (0002,0010) of a file, or an empty string."""
    try:
        # Whatever bears the name now: a pipe must not be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    try:
        head = os.read(handle, _HEAD)
    except OSError:
        return ""
    finally:
        os.close(handle)
    return transfer_syntax_of(head)
