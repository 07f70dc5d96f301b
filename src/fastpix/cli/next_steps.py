"""What a person is told at the end of ``fastpix convert``: what was written, and what is next."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastpix.notes import count_of

if TYPE_CHECKING:
    from fastpix.job.summary import Summary


def command_here() -> str:
    """Return what runs this command again, ready to paste into a shell."""
    called = sys.argv[0]
    if Path(called).stem != "fastpix":
        return f"{shlex.quote(sys.executable)} -m fastpix"
    found = shutil.which("fastpix")
    is_on_path = found is not None and Path(called).exists() and Path(found).samefile(called)
    return "fastpix" if is_on_path else shlex.quote(called)


def after_conversion(summary: Summary, src: list[str], dst: str) -> list[str]:
    """Return the lines that follow the table of ``fastpix convert``.

    Parameters
    ----------
    summary : Summary
    src : list of str
        The sources, as they were typed.
    dst : str
        The cache, as it was typed.
    """
    counts = summary.counts
    lines = []
    where = ", ".join(src)
    if not counts.files:
        lines.append(f"There is no file in {where}: is it the right folder?")
    elif counts.not_images == counts.files:
        among = f"{count_of(counts.files, 'file')} in {where}"
        lines.append(f"There is no DICOM image among {among}: is it the right folder?")
    elif not counts.converted and not counts.failed and not counts.waiting:
        lines.append("Nothing to do: no file is new, and none has changed.")
    if counts.converted:
        lines += written(dst)
        quoted = shlex.quote(dst)
        code = shlex.quote(f"import fastpix; print(fastpix.open_cache({json.dumps(dst)})[0])")
        lines += [
            "",
            "Next:",
            f"  fastpix manifest {quoted}",
            f"  fastpix stats {quoted}",
            f"  {shlex.quote(sys.executable)} -c {code}",
        ]
    inside = [place for place in src if _lies_in(dst, place)]
    if inside:
        lines.append(f"{dst} lies inside {inside[0]}: other commands over {inside[0]} will look "
                     f"into it, too. A folder beside it is better.")  # fmt: skip
    return lines


def written(dst: str) -> list[str]:
    """Return a line for each thing that a job has written: what it is, and whether to keep it."""
    from fastpix.job.source_paths import default_paths_folder
    from fastpix.pseudonyms import default_key_file

    if "://" in dst:
        return []
    key, paths = default_key_file(Path(dst)), default_paths_folder(Path(dst))
    found = [(dst, "the cache: arrays, and a manifest of all files")]
    if key.exists():
        found.append((_beside(dst, key), "the key of its hashed names: keep it secret"))
    if paths.exists():
        found.append((_beside(dst, paths), "where each image came from: keep it here"))
    width = max(len(name) for name, _ in found)
    return [f"{name:{width}}  {what}" for name, what in found]


def _beside(dst: str, path: Path) -> str:
    return os.path.join(os.path.dirname(dst.rstrip("/")), path.name)


def _lies_in(dst: str, folder: str) -> bool:
    if "://" in dst or not os.path.isdir(folder):
        return False
    return Path(folder).resolve() in Path(dst).resolve().parents
