"""Keyed hashes in place of paths, UIDs and patients, and the user's file that holds the key.

A leaf: the job, the audit and de-identified copies give the same original the same name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from fastpix.errors import ArgumentError
from fastpix.new_files import link_new, open_new

_KEY_BYTES = 32
_WEAKEST = 16  # bytes of a key
_NAME_LENGTH = 32  # hex digits: 128 bits
_BLOCK = 64  # bytes of a block of SHA-256
_LONGEST_FILE = 4096  # bytes: what is longer is no key


class Names:
    """Names that only the holder of the key can lead back to a path or a UID.

    Parameters
    ----------
    key : bytes
        Of HMAC-SHA-256.

    Attributes
    ----------
    key : bytes
        For a worker, which makes names of its own.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        # The two halves of HMAC (RFC 2104) are begun once: a name costs a third of hmac.digest.
        padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._kinds: dict[str, hashlib._Hash] = {}  # begun with what each kind of name begins with
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def of_path(self, relative: str) -> str:
        """Return the name of a source file, from its path below the root of the job."""
        return self._hash("path", relative)

    def of_uid(self, uid: str) -> str:
        """Return what stands for a UID; equal UIDs stay equal."""
        return self._hash("uid", uid)

    def of_patient(self, patient_id: str, issuer: str = "") -> str:
        """Return what stands for a patient: of the ID and its issuer, both without spaces around.

        Files without an ID are one patient, whatever issuer they name, so that a split by patient
        never parts them.
        """
        patient_id = patient_id.strip()
        return self._hash("patient", f"{issuer.strip() if patient_id else ''}\0{patient_id}")

    def of_state(self, size: int, stamp: int) -> str:
        """Return what a file's size and time of change hash to: another state, another hash."""
        return self._hash("state", f"{size} {stamp}")[:16]

    def of_text(self, text: str) -> str:
        """Return what stands for a text that may not be kept; equal texts stay equal."""
        return self._hash("text", text)

    def uid_of_copy(self, uid: str) -> str:
        """Return the UID of a de-identified copy: below 2.25, the integer of a UUID (PS3.5 B.2)."""
        number = int(self._hash("uid of a copy", uid), 16)
        number = number & ~(0xF << 76) | 8 << 76  # version 8 of RFC 9562: of one's own making
        return f"2.25.{number & ~(0x3 << 62) | 2 << 62}"

    def patient_of_copy(self, patient_id: str, issuer: str = "") -> str:
        """Return Patient ID and name of a de-identified copy, of what `of_patient` names."""
        return "P" + self._hash("patient of a copy", self.of_patient(patient_id, issuer))[:24]

    def days_of_copy(self, patient_id: str, issuer: str = "") -> int:
        """Return by how many days a patient's dates are moved back: 30 to 3,679 of them."""
        number = int(self._hash("days of a copy", self.of_patient(patient_id, issuer)), 16)
        return 30 + number % 3650

    @property
    def fingerprint(self) -> str:
        """What tells this key from others, and tells nothing of it."""
        return self._hash("fingerprint", "")[:16]

    def _hash(self, kind: str, text: str) -> str:
        begun = self._kinds.get(kind)
        if begun is None:
            begun = self._kinds[kind] = self._inner.copy()
            begun.update(f"{kind}\0".encode())
        inner = begun.copy()
        inner.update(text.encode("utf-8", "surrogateescape"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()[:_NAME_LENGTH]


def load_key(key_file: Path, output: Path | None) -> bytes:
    """Read the key, making it on first use, readable by its owner alone.

    Parameters
    ----------
    key_file : Path
        Never inside `output`: whoever gets the cache must not get the key.
    output : Path or None
        None where it is no folder of this machine.

    Raises
    ------
    ArgumentError
        The file is inside the output, is a link, can be read by others, or holds no key, or a weak
        one.
    OSError
        It cannot be read or made.
    """
    if output is not None:
        inside = output.resolve()
        if inside == key_file.resolve() or inside in key_file.resolve().parents:
            raise ArgumentError("key_file", f"{key_file} lies inside the output: keep it elsewhere")
    if not os.path.lexists(key_file):
        _make_key(key_file)
    text = _read(key_file)
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError as error:
        raise ArgumentError("key_file", f"{key_file} holds no key in hexadecimal") from error
    if len(key) < _WEAKEST:
        raise ArgumentError("key_file", f"{key_file} holds a key of less than {_WEAKEST} bytes")
    if len(set(key)) < _WEAKEST // 2:
        raise ArgumentError(
            "key_file",
            f"{key_file} holds a weak key, of few different bytes: remove it, a new one is made",
        )
    return key


def _read(key_file: Path) -> bytes:
    try:
        # A link could lead to any file; a pipe must not be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(key_file, flags)
    except OSError as error:
        if os.path.islink(key_file):
            raise ArgumentError(
                "key_file", f"{key_file} is a link: name the file itself"
            ) from error
        raise
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ArgumentError("key_file", f"{key_file} is no regular file")
        if os.name == "posix" and status.st_mode & 0o077:
            raise ArgumentError(
                "key_file",
                f"{key_file} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): "
                f"whoever has the key can lead names back to files; run chmod 600 on it",
            )
        return os.read(handle, _LONGEST_FILE)
    finally:
        os.close(handle)


def _make_key(key_file: Path) -> None:
    """Write a new key, whole at once; where another job is quicker, its key stands."""
    temporary = key_file.with_name(f".{key_file.name}.{secrets.token_hex(8)}")
    handle = open_new(temporary)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            link_new(temporary, key_file)
    finally:
        temporary.unlink(missing_ok=True)


def default_key_file(output: Path) -> Path:
    """Return where the key is kept unless the user says otherwise: beside the output."""
    output = output.absolute()
    return output.with_name(output.name + ".key")
