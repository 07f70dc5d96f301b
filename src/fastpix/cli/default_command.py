"""A group of commands, one of which runs where none is named: ``fastpix audit SRC``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_RUN = "run"


class RunByDefault(TyperGroup):
    """A group whose command is ``run`` where the first word names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` before arguments that begin with no command."""
        asks_for_help = bool(args) and args[0] in ("--help", *ctx.help_option_names)
        if args and args[0] not in self.commands and not asks_for_help:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)
