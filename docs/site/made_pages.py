"""Pages that are made when the site is built: the traps with their pictures, the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import tour_of_traps as tour
from trap import SOFT, one_slice

TRAPS = """# Traps

DICOM pixels go wrong without an error. Each trap below is a file, or a series, that the standard
allows and that scanners and archives write. On the left is what common code makes of it, on the
right what fastpix gives. Numbers and pictures are of
{doc}`a script </gallery/tour_of_traps>` on made data, which ran when this site was built.
"""


def write(made: Path) -> None:
    """Write the pages under `made`."""
    made.mkdir(parents=True, exist_ok=True)
    (made / "commands.md").write_text(commands())
    (made / "traps.md").write_text(traps(made))
    tour.picture(one_slice()[1], SOFT).save(made / "chest.png")


def traps(made: Path) -> str:
    """Draw each trap of the tour, and return a page of them."""
    sections = [TRAPS]
    for make in tour.TRAPS:
        trap = make()
        name = tour.file_name(trap)
        tour.pair(trap).save(made / name)
        sections.append(
            f"## {trap.title}\n\n"
            f"![Common code: {trap.effect}. fastpix {trap.answer}.]({name})\n\n"
            f"**Common code:** {trap.code}. The effect: {trap.effect}.\n\n"
            f"**fastpix** {trap.answer}: [how](../{trap.link}).\n"
        )
    return "\n".join(sections)


def commands() -> str:
    """Return a page of what each command says of itself."""
    sections = [
        f"## fastpix {name}\n\n```text\n{help_of(name)}\n```\n" for name in names_of_commands()
    ]
    return "\n".join(["# Commands\n\nWhat `--help` of each command says.\n", *sections])


def names_of_commands() -> list[str]:
    """Return the names of the commands, in the order of `fastpix --help`."""
    import typer.main

    from fastpix.cli.commands import app

    command: Any = typer.main.get_command(app)
    return list(command.commands)


def help_of(*words: str) -> str:
    """Return the text of `--help`, 96 columns wide."""
    found = subprocess.run(
        [str(Path(sys.executable).with_name("fastpix")), *words, "--help"],
        env={**os.environ, "COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in found.stdout.strip().splitlines())
