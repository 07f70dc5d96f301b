"""The examples for the gallery: a copy of each with a title; those run whose imports are there."""

from __future__ import annotations

import ast
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# What the examples share.
HELPERS = ("made_data", "running", "trap")
PARTS = ("traps_of_frames", "traps_of_pixels", "traps_of_privacy", "traps_of_series")
# What a card of the gallery shows: pictures that `made_pages` draws; None: its own.
PICTURES = {
    "tour_of_traps": "a-slope-for-each-frame.png",
    "planes_of_a_volume": None,
    "look_at_images": None,
}
THUMBNAIL = '\n# sphinx_gallery_thumbnail_path = "made/{}"\n'
INTRODUCTION = """Examples
========

Scripts on made data, or on files that come with pydicom. Each checks what it says, and takes less
than a minute. The output below each is of the machine that built this site. Those that need torch
or Dask are shown without their output where the machine has neither.
"""


def settings(examples: Path, made: Path) -> dict[str, Any]:
    """Copy the examples, and return the settings of sphinx-gallery."""
    shutil.rmtree(made / "examples", ignore_errors=True)
    shutil.rmtree(made / "output", ignore_errors=True)
    (made / "examples").mkdir(parents=True)
    (made / "examples" / "README.rst").write_text(INTRODUCTION)
    run = []
    for script in sorted(examples.glob("*.py")):
        text = script.read_text()
        if script.stem not in HELPERS + PARTS:
            if all(find_spec(name) for name in imported(text) - local(examples)):
                run.append(script.name)
            text = with_title(text)
            if picture := PICTURES.get(script.stem, "chest.png"):
                text += THUMBNAIL.format(picture)
        (made / "examples" / script.name).write_text(text)
    return {
        "examples_dirs": [str(made / "examples")],
        "gallery_dirs": ["gallery"],
        "ignore_pattern": "|".join(rf"{name}\.py" for name in HELPERS + PARTS),
        "filename_pattern": "|".join(re.escape(f"/{name}") for name in run) or "(?!)",
        "reset_argv": Output(made / "output"),
        "image_scrapers": (pictures,),
        "reset_modules": (),
        "within_subsection_order": "FileNameSortKey",
        "download_all_examples": False,
        "show_signature": False,
        "show_memory": False,
        "min_reported_time": 3600,
        "remove_config_comments": True,
        "plot_gallery": True,
    }


def local(examples: Path) -> set[str]:
    """Return the modules that the examples share."""
    return {script.stem for script in examples.glob("*.py")}


def imported(text: str) -> set[str]:
    """Return the packages that a script imports at its top, and what `fastpix.torch` needs."""
    tree = ast.parse(text)
    names = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    names |= {"torch" for name in names if name == "fastpix.torch"}
    return {name.partition(".")[0] for name in names}


def with_title(text: str) -> str:
    """Return a script whose docstring begins with a title of the gallery."""
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    first, _, rest = docstring.partition("\n")
    title = re.split(r"[,:.]", first.replace("`", ""))[0]
    rest = re.sub(r"^\n((?:    .+\n)+)", r"\n.. code-block:: text\n\n\1", rest, count=1)
    begin, end = text.index('"""') + 3, text.index('"""', 3)
    return f"{text[:begin]}\n{title}\n{'=' * len(title)}\n\n{first}\n{rest}\n{text[end:]}"


class Output:
    """Where an example puts its files: a folder by its name, for `pictures` to find."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return "Output"

    def __call__(self, _: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
        """Return the arguments of an example."""
        return ["--out", str(self.folder / Path(script_vars["src_file"]).stem)]


def pictures(_: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Return rst for the pictures that an example has written, and copy them to the gallery."""
    from sphinx_gallery.scrapers import figure_rst

    folder = Path(gallery_conf["src_dir"]) / "made" / "output" / Path(block_vars["src_file"]).stem
    shown = []
    for picture in sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime)[-1:]:
        path = next(block_vars["image_path_iterator"])
        shutil.move(picture, path)
        shown.append(path)
    return str(figure_rst(shown, gallery_conf["src_dir"]))
