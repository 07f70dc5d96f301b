"""DICOMDIR: the files that a media directory refers to (PS3.10 8, PS3.3 F.3)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastpix.errors import PixelHeaderError

_SOP_CLASS = b"1.2.840.10008.1.3.10"
_HEAD = 4096
_RECORDS, _IN_USE, _FILE_ID = 0x00041220, 0x00041410, 0x00041500


def is_media_directory(path: str) -> bool:
    """Whether a file is a DICOMDIR, by its content.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    return head[128:132] == b"DICM" and _SOP_CLASS in head


def referenced_files(path: str) -> list[str]:
    """Return the paths of the files that a DICOMDIR refers to, in its order.

    Media write names in upper case, file systems show them in lower case: where a file does not
    exist, one whose name differs in case alone is taken. Files that do not exist are returned too,
    so that reading them says so. Records that are not in use are left out.

    Raises
    ------
    PixelHeaderError
        The directory cannot be parsed, or refers to files out of its folder.
    OSError
        It cannot be read.
    """
    folder = os.path.dirname(path)
    found: dict[str, None] = {}
    for components in _file_ids(path):
        if any(not name or name == ".." or _has_separator(name) for name in components):
            raise PixelHeaderError(
                tag=_FILE_ID, keyword="ReferencedFileID", value="\\".join(components),
                reason="it leads out of the folder of the directory",
                remedy="pass the folder in place of its DICOMDIR",
            )  # fmt: skip
        found[_resolved(folder, components)] = None
    return list(found)


def _has_separator(name: str) -> bool:
    return any(each in name for each in ("/", "\0", ":", os.sep, os.altsep or os.sep))


def _file_ids(path: str) -> list[list[str]]:
    from pydicom import dcmread

    try:
        dataset = dcmread(path, specific_tags=[_RECORDS])
        raw: Any = dataset.get_item(_RECORDS)
        if isinstance(raw.value, bytes) and len(raw.value) < raw.length:
            raise EOFError  # pydicom takes what there is
        records: Any = dataset[_RECORDS].value
        return [ids for record in records if _is_in_use(record) and (ids := _components(record))]
    except OSError:
        raise
    except Exception as error:  # pydicom's are of many kinds
        raise PixelHeaderError(
            tag=_RECORDS, keyword="DirectoryRecordSequence", value=type(error).__name__,
            reason="the records of the media directory cannot be parsed",
            remedy="pass the folder in place of its DICOMDIR",
        ) from error  # fmt: skip


def _is_in_use(record: Any) -> bool:
    return _IN_USE not in record or _raw(record, _IN_USE) not in (b"\0\0", 0)


def _components(record: Any) -> list[str]:
    """Return the parts of a Referenced File ID; none where a record has no file."""
    value = _raw(record, _FILE_ID) if _FILE_ID in record else None
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    elif isinstance(value, str):
        value = [value]
    names = [str(each).strip(" \0") for each in value or ()]
    return names if any(names) else []


def _raw(record: Any, tag: int) -> Any:
    # As it stands in the file: pydicom warns of names that are no Code Strings.
    return record.get_item(tag).value


def _resolved(folder: str, components: Sequence[str]) -> str:
    path = os.path.join(folder, *components)
    if os.path.exists(path):
        return path
    path = folder
    for name in components:
        names = _names_in(path)
        key = name.upper()
        path = os.path.join(path, names.get(key) or names.get(f"{key};1") or name)
    return path


@lru_cache(64)
def _names_in(folder: str) -> dict[str, str]:
    try:
        return {name.upper(): name for name in sorted(os.listdir(folder or "."))}
    except OSError:
        return {}
