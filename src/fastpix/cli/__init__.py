"""The ``fastpix`` command: its subcommands, and what a person sees while they run.

In: arguments and standard input. Out: text, and an exit code.
Stands on: everything else.
"""

from fastpix.cli import (  # they add themselves to the command
    audit_command,
    bench_command,
    cache_commands,
    convert_command,
    deidentify_command,
    join_command,
    scan_command,
    series_command,
    stats_command,
    verify_command,
    view_command,
)
from fastpix.cli.commands import main

__all__ = [
    "audit_command",
    "bench_command",
    "cache_commands",
    "convert_command",
    "deidentify_command",
    "join_command",
    "main",
    "scan_command",
    "series_command",
    "stats_command",
    "verify_command",
    "view_command",
]
