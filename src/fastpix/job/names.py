"""Keyed hashes in place of paths and UIDs, and the user's file that holds the key."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from fastpix.errors import ArgumentError

_KEY_BYTES = 32
_NAME_LENGTH = 32  # hex digits: 128 bits


class Names:
    """Names that only the holder of the key can lead back to a path or a UID.

    Parameters
    ----------
    key : bytes
        Of HMAC-SHA-256.
    root : str or None
        What paths are taken relative to; None: they are absolute.
    """

    def __init__(self, key: bytes, root: str | None = None) -> None:
        self._key = key
        self.root = root

    def of_path(self, path: str) -> str:
        """Return the name of a source file's output."""
        if self.root is not None:
            path = os.path.relpath(path, self.root)
        return self._hash("path", os.path.abspath(path) if self.root is None else path)

    def of_uid(self, uid: str) -> str:
        """Return what stands for a UID; equal UIDs stay equal."""
        return self._hash("uid", uid)

    def of_state(self, size: int, modified_ns: int) -> str:
        """Return what a file's size and time of change hash to: another state, another hash."""
        return self._hash("state", f"{size} {modified_ns}")

    def of_text(self, text: str) -> str:
        """Return what stands for a text that may not be kept; equal texts stay equal."""
        return self._hash("text", text)

    def _hash(self, kind: str, text: str) -> str:
        message = f"{kind}\0{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, message, "sha256").hexdigest()[:_NAME_LENGTH]


def load_key(key_file: Path, output: Path) -> bytes:
    """Read the key, making it on first use, readable by its owner alone.

    Parameters
    ----------
    key_file : Path
        Never inside `output`: whoever gets the cache must not get the key.
    output : Path

    Raises
    ------
    ArgumentError
        The file is inside the output, or holds no key.
    """
    if output.resolve() in key_file.resolve().parents:
        raise ArgumentError("key_file", f"{key_file} lies inside the output: keep it elsewhere")
    if not key_file.exists():
        _make_key(key_file)
    try:
        key = bytes.fromhex(key_file.read_text("ascii"))
    except ValueError as error:
        raise ArgumentError("key_file", f"{key_file} holds no key in hexadecimal") from error
    if len(key) < 16:
        raise ArgumentError("key_file", f"{key_file} holds a key of less than 16 bytes")
    return key


def _make_key(key_file: Path) -> None:
    """Write a new key, whole at once; where another job is quicker, its key stands."""
    temporary = key_file.with_name(f".{key_file.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, key_file)
    finally:
        temporary.unlink()


def default_key_file(output: Path) -> Path:
    """Return where the key is kept unless the user says otherwise: beside the output."""
    output = output.absolute()
    return output.with_name(output.name + ".key")
