"""The page of copies that wait: pictures, and the commands that let them out or remove them."""

from __future__ import annotations

import html
import shlex
from importlib.resources import files

from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.review import Waiting, waiting
from fastpix.job.maintenance import is_run_alive
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.new_files import write_whole
from fastpix.notes import count_of

PAGE = "index.html"
_MOST = 2000  # pictures of a page: a browser has to lay them out
_MARK = "<!--{}-->"


def write_review_page(folders: CopyFolders) -> int:
    """Write ``index.html`` beside the copies that wait, or remove it where none does.

    What lies there besides, of decisions and runs that were killed, goes, unless a run is alive.

    Parameters
    ----------
    folders : CopyFolders

    Returns
    -------
    int
        How many copies wait.
    """
    found = waiting(folders.output)
    if not is_run_alive(LocalStorage(folders.output)):
        folders.remove_waiting_but({each.name for each in found})
    path = folders.review / PAGE
    if not found:
        path.unlink(missing_ok=True)
        return 0
    write_whole(path, review_page(found, str(folders.output)))  # several may write it at once
    return len(found)


def review_page(found: list[Waiting], dst: str) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    found : list of Waiting
    dst : str
        For the commands.
    """
    shown = found[:_MOST]
    text = files("fastpix.deidentification.run").joinpath("review_page.html").read_text("utf-8")
    more = ""
    if len(found) > len(shown):
        more = f"These are the first {len(shown)}: the others come when these are decided."
    command = f"fastpix deidentify {{}} {shlex.quote(dst)}"
    for name, value in (
        ("count", count_of(len(found), "copy waits", "copies wait") + " for a person"),
        ("more", more),
        ("accept", html.escape(command.format("accept"), quote=True)),
        ("refuse", html.escape(command.format("refuse"), quote=True)),
        ("items", "\n".join(map(_item, shown))),
    ):
        text = text.replace(_MARK.format(name), value)
    return text


def _item(each: Waiting) -> str:
    name, reason = html.escape(each.name, quote=True), html.escape(each.reason)
    shown = html.escape(each.shown, quote=True)
    if each.picture.exists():
        picture = (
            f'<a href="{name}.png" target="_blank"><img loading="lazy" src="{name}.png" '
            f'alt="Picture of {name}"></a>'
        )
    else:
        picture = f'<p class="none">no picture: open<br>{name}.dcm<br>in a viewer of DICOM</p>'
    return (
        f'<fieldset data-name="{shown}">{picture}<p><code>{name}</code></p><p>{reason}</p>'
        f'<label><input type="radio" name="{name}" value="out"> let out</label>'
        f'<label><input type="radio" name="{name}" value="remove"> remove</label></fieldset>'
    )
