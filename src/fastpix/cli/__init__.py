"""The ``fastpix`` command: its subcommands, and what a person sees while they run.

In: arguments and standard input. Out: text, and an exit code.
Stands on: everything else.
"""

from fastpix.cli import series_command  # it adds itself to the command
from fastpix.cli.commands import main

__all__ = ["main", "series_command"]
