"""What the examples share: where output goes, sheets of pictures, commands that are shown."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image


def run_example(main: Callable[..., Any], description: str | None, *flags: str) -> None:
    """Call ``main(out, …)`` with a folder, which is thrown away unless ``--out`` names it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="keep what is written in this new folder")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    options = vars(parser.parse_args())
    out: Path | None = options.pop("out")
    if out is not None:
        out.mkdir(parents=True)
        main(out, **options)
        return
    with tempfile.TemporaryDirectory(prefix="fastpix-example-") as folder:
        main(Path(folder), **options)


def fastpix_command(*words: object) -> None:
    """Print a command of fastpix, and run it."""
    texts = [str(word) for word in words]
    print("$ fastpix", shlex.join(texts), flush=True)
    subprocess.run([sys.executable, "-m", "fastpix", *texts], check=True)


def save_side_by_side(pictures: Sequence[Image.Image], path: Path) -> None:
    """Save pictures as one, their upper edges in line, and print how large it is."""
    from PIL import Image

    gap = 8
    size = (sum(each.width + gap for each in pictures), max(each.height for each in pictures))
    sheet = Image.new("RGB", size, (24, 24, 24))
    left = 0
    for each in pictures:
        sheet.paste(each, (left, 0))
        left += each.width + gap
    sheet.save(path)
    print(f"{path.name}: {sheet.width} x {sheet.height} pixels")
