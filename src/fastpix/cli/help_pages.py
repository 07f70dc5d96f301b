"""Pages of ``--help`` that fit a screen: what a command does, its usual options, and examples.

Options that few need are told in full by ``--help-all``; ``--help`` only names them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fastpix.cli.examples import EXAMPLES, GROUPS, RARE, SHORT

_ALL = "--help-all"
_RUN = "run"
_WIDEST = 21  # columns of names


class CommandWithPage(TyperCommand):
    """A command whose help is a page of this module."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, unless they ask for the whole page."""
        if _ALL in args:
            show_all(self, ctx)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the parent's signature)
        """Return the words of the usage, in pages and in errors."""
        return _usage_of(self)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        write_page(self, ctx, formatter)


class RunByDefault(TyperGroup):
    """A group whose command is ``run`` where the first word names none: ``fastpix audit SRC``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` before arguments that begin with no command."""
        if args and args[0] == _ALL:
            show_all(self, ctx)
        asks_for_help = bool(args) and args[0] in ("--help", *ctx.help_option_names)
        if args and args[0] not in self.commands and not asks_for_help:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a shell offers: commands, and options of ``run``."""
        found: list[Any] = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            run = self.commands[_RUN]
            given = run.make_context(_RUN, [], parent=ctx, resilient_parsing=True)
            found += [
                each for each in run.shell_complete(given, incomplete) if each.value != "--help"
            ]
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page: that of ``run``, and the names of the other commands."""
        write_page(self, ctx, formatter)


class AllCommands(TyperGroup):
    """The ``fastpix`` command: its page lists all others, in the order of their use."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        _write_first_lines(self, formatter, ctx.command_path, "COMMAND ...")
        for title, names in GROUPS.items():
            _write_section(formatter, title, [(name, SHORT[name]) for name in names])
        _write_section(formatter, "Options", _options(self, ctx))
        _write_examples(formatter, EXAMPLES[""])


def _arguments_of(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def _usage_of(command: Any) -> list[str]:
    return ["[OPTIONS]", *map(_name_of, _arguments_of(command))]


def _name_within(ctx: Any) -> str:
    """Return the name of a command without the program's: that may be ``python -m fastpix``."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join(names).removesuffix(f" {_RUN}")


def write_page(command: Any, ctx: Any, formatter: Any, *, is_whole: bool = False) -> None:
    """Write what a command does, its arguments and options, and examples.

    Parameters
    ----------
    command : TyperCommand or TyperGroup
        Of a group, the options are those of its command ``run``.
    ctx : click.Context
    formatter : click.HelpFormatter
    is_whole : bool
        With options that few need.
    """
    run: Any = command.commands[_RUN] if isinstance(command, TyperGroup) else command
    path = ctx.command_path.removesuffix(f" {_RUN}")
    name = _name_within(ctx)
    arguments = _arguments_of(run)
    _write_first_lines(run, formatter, path, " ".join(_usage_of(run)))
    _write_section(formatter, "Arguments", [(_name_of(each), each.help) for each in arguments])
    options = _options(run, ctx)
    rare = [each for each in options if each[0].split()[0] in RARE.get(name, ())]
    _write_section(formatter, "Options", [each for each in options if each not in rare])
    if is_whole:
        _write_section(formatter, "Options that few need", rare)
    elif rare:
        with formatter.section(f"Options that few need ({path} {_ALL} explains them)"):
            names = ", ".join(option.split()[0] for option, _ in rare)
            _write_lines(formatter, _wrapped(names, formatter.width - 2))
    if run is not command:
        others = [(each, SHORT[f"{name} {each}"]) for each in command.commands if each != _RUN]
        _write_section(formatter, "Further commands", others)
    _write_examples(formatter, EXAMPLES[name])


def show_all(command: Any, ctx: Any) -> None:
    """Print the whole page of a command, and end it.

    Parameters
    ----------
    command : TyperCommand or TyperGroup
    ctx : click.Context
    """
    formatter = ctx.make_formatter()
    write_page(command, ctx, formatter, is_whole=True)
    typer.echo(formatter.getvalue().rstrip("\n"))
    ctx.exit()


def _write_first_lines(command: Any, formatter: Any, path: str, usage: str) -> None:
    """Write one line of what the command does, how it is called, and the rest of its text."""
    first, _, rest = (command.help or "").partition("\n")
    formatter.write(f"{first}\n\n")
    formatter.write_usage(path, usage)
    if rest.strip():
        formatter.write_paragraph()
        formatter.write_text(rest.strip())


def _write_section(formatter: Any, title: str, rows: Sequence[tuple[str, str | None]]) -> None:
    """Write names with what they mean beside them; a name that is too wide has its own line."""
    if not rows:
        return
    widest = max((len(name) for name, _ in rows if len(name) <= _WIDEST), default=_WIDEST)
    with formatter.section(title):
        for name, text in rows:
            first, *others = _wrapped(text or "", formatter.width - widest - 4)
            if len(name) > widest:
                _write_lines(formatter, [name])
                others, first = [first, *others], ""
            else:
                _write_lines(formatter, [f"{name:{widest}}  {first}"])
            _write_lines(formatter, [f"{'':{widest}}  {line}" for line in others])


def _write_examples(formatter: Any, lines: Sequence[str]) -> None:
    with formatter.section("Examples" if len(lines) > 1 else "Example"):
        _write_lines(formatter, lines)


def _write_lines(formatter: Any, lines: Iterable[str]) -> None:
    for line in lines:
        formatter.write(f"  {line}".rstrip() + "\n")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _options(command: Any, ctx: Any) -> list[tuple[str, str]]:
    """Return the options of a command: names, with metavars, and texts."""
    options = [each for each in command.get_params(ctx) if each.param_type_name == "option"]
    records = ((each, each.get_help_record(ctx)) for each in options)
    return [
        (_short_name(record[0], each.secondary_opts), " ".join(record[1].split()))
        for each, record in records
        if record
    ]


def _short_name(name: str, opposites: Sequence[str]) -> str:
    """Return the names of a flag that can be negated as one: ``--[no-]rescale``."""
    return opposites[0].replace("--no-", "--[no-]") if opposites else name


def _name_of(argument: Any) -> str:
    """Return the name of an argument as usage has it: ``SRC...``, ``[OUT]``."""
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"
