"""What the examples share: where their output goes, and commands that are shown before they run."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


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
