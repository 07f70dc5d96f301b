"""Pages that are made when the site is built: the commands."""

import os
import subprocess
import sys
from pathlib import Path


def write(made, examples):
    """Write the pages under `made`."""
    made.mkdir(parents=True, exist_ok=True)
    (made / "commands.md").write_text(commands())


def commands():
    """Return a page of what each command says of itself."""
    sections = ["# Commands\n\nWhat `--help` of each command says.\n"]
    for name in names_of_commands():
        sections.append(f"## fastpix {name}\n\n```text\n{help_of(name)}\n```\n")
    return "\n".join(sections)


def names_of_commands():
    """Return the names of the commands, in the order of `fastpix --help`."""
    import typer.main

    from fastpix.cli.commands import app

    return list(typer.main.get_command(app).commands)


def help_of(*words):
    """Return the text of `--help`, 96 columns wide."""
    found = subprocess.run(
        [str(Path(sys.executable).with_name("fastpix")), *words, "--help"],
        env={**os.environ, "COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in found.stdout.strip().splitlines())
