"""The ``fastpix`` command: its subcommands, and what a person sees while they run.

In: arguments and standard input. Out: text, and an exit code.
Stands on: everything else.
"""

from fastpix.cli import cache_commands, convert_command, series_command  # they add themselves
from fastpix.cli.commands import main

__all__ = ["cache_commands", "convert_command", "main", "series_command"]
