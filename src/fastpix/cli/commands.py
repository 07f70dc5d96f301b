"""The ``fastpix`` command.

Each subcommand imports what it uses, so that help comes at once.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand

from fastpix.cli.help_pages import AllCommands, CommandWithPage
from fastpix.cli.option_values import DTYPES, INVERT, decoder_names, one_of
from fastpix.errors import (
    ArgumentError,
    FastpixError,
    HeaderWarning,
    UnsupportedTransferSyntaxError,
)

if TYPE_CHECKING:
    from rich.console import Console

    from fastpix.frames.codecs import Decoder


Function = TypeVar("Function", bound=Callable[..., Any])


class _App(typer.Typer):
    """The command; each of its commands has a page of help unless it says otherwise."""

    def command(  # type: ignore[override]  # what else a decorator takes is handed on
        self, name: str | None = None, *, cls: type[TyperCommand] = CommandWithPage, **rest: Any
    ) -> Callable[[Function], Function]:
        return super().command(name, cls=cls, **rest)


app = _App(
    name="fastpix",
    help="DICOM files to exact arrays, fast.",
    cls=AllCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would take [default: ...] for markup
)

Dtype = Annotated[
    str,
    typer.Option(
        metavar="TYPE",
        help="float32, float64; uint8, int16, ...: exact, or an error; auto: the smallest integer "
        "type that holds every value.",
        autocompletion=one_of(DTYPES),
    ),
]
Rescale = Annotated[bool, typer.Option(help="Modality units (HU, Gy, Bq/ml), or stored values.")]
Invert = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="MONOCHROME1, where low is white. max: subtract from the image's maximum; range: "
        "mirror in the range that its bits can hold; none: leave.",
        autocompletion=one_of(INVERT),
    ),
]
Normalize = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="LO HI", help="Clip to LO..HI, in their unit (CT: HU), map to 0..1."),
]
Padding = Annotated[
    float | None,
    typer.Option(metavar="VALUE", help="What pixels become that the file marks as padding."),
]
ColorRange = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="LO HI", help="Colour: bring it to 8 bits, and map 0..255 to LO..HI."),
]
DecoderName = Annotated[
    str | None,
    typer.Option(
        "--decoder",
        metavar="NAME",
        help="The one decoder to use; fastpix codecs lists them [default: the fastest].",
        autocompletion=decoder_names,
    ),
]
MaxBytes = Annotated[
    int,
    typer.Option(
        metavar="BYTES",
        help="What one image may decode to [default: 4294967296, which is 4 GiB].",
        show_default=False,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", help="What one file or series may take."),
]

# Of commands that are jobs.
JobSources = Annotated[
    list[str],
    typer.Argument(
        metavar="SRC...",
        help="Folders, archives, globs, files, URLs, or a list that fastpix scan has written; "
        "- reads paths from stdin.",
    ),
]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        metavar="dask:ADDRESS",
        help="Run on a Dask cluster [default: processes of this machine].",
    ),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", help="Processes at a time [default: all cores].")
]
ShardName = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Do part I of N, from 0 [default: that of a SLURM array].",
    ),
]


def main() -> None:
    """Run the command; errors of ours end it with one line and exit code 1."""
    if sys.stdout is None:  # it was closed: there is nobody to tell
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (as long as the process)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # paths go out as they came in
    try:
        app()
    except FastpixError as error:
        fail(_said_of(error))
    except KeyboardInterrupt:  # before a command could say what it means
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left of it is not tried again
        sys.exit(1)
    except ImportError as error:  # of an extra: it says what to install
        fail(str(error))
    except IsADirectoryError as error:
        fail(f"{error.filename} is a folder, and one file is needed: fastpix series FOLDER lists "
             f"what is in a folder")  # fmt: skip
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _said_of(error: FastpixError) -> str:
    """Return what an error says, with its file, or with the option as it was typed."""
    text = str(error)
    if isinstance(error, ArgumentError):
        option = f"--{error.argument.replace('_', '-')}"
        is_typed = any(word.partition("=")[0] == option for word in sys.argv[1:])
        return text.replace(f"{error.argument}:", f"{option}:", 1) if is_typed else text
    if error.source is None or str(error.source) in text:
        return text
    return f"{error.source}: {text}"


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, kernels and decoders, and exit.")
    ] = False,
) -> None:
    if version:
        from fastpix.cli.version_text import version_text

        typer.echo(version_text())
        raise typer.Exit


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="A DICOM file.")],
    dtype: Dtype = "float32",
    rescale: Rescale = True,
    invert: Invert = "max",
    normalize: Normalize = None,
    padding: Padding = None,
    color_range: ColorRange = None,
    decoder: DecoderName = None,
) -> None:
    """Say in words what will be done to each pixel of FILE, and why.

    Only the header is read. The options are those of fastpix convert.
    """
    from rich.table import Table

    from fastpix.frames.codecs import decoders_for, usable_decoders
    from fastpix.image.open_image import open as open_image
    from fastpix.recipe import Recipe
    from fastpix.sources.source_key import printable

    recipe = Recipe(
        dtype, rescale, invert, normalize, padding, decoder, color_range  # type: ignore[arg-type]
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)  # they are printed as notes
        image = open_image(file)
        plan = image.plan(recipe)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = plan.describe()
    unsupported = False
    if image.header.encapsulated:
        try:
            absent = [d.name for d in decoders_for(image.header.transfer_syntax, decoder)
                      if not d.is_present()]  # fmt: skip
            if absent:
                rows.append(("optional", f"other decoders, not installed: {', '.join(absent)}"))
            usable_decoders(image.header.transfer_syntax, decoder)
        except UnsupportedTransferSyntaxError as error:
            rows.append(("error", str(error)))
            unsupported = True
    for label, text in rows:
        table.add_row(label, printable(text))  # a unit, say, is text of the file
    console_here().print(table, highlight=False, markup=False)
    if unsupported:
        raise typer.Exit(1)


@app.command()
def codecs() -> None:
    """List the decoders of compressed files, in the order that they are tried."""
    from rich.table import Table

    from fastpix.frames.codecs import all_decoders
    from fastpix.standard.syntaxes import syntax_name

    table = Table(title="Decoders, in the order that they are tried", title_justify="left")
    table.add_column("transfer syntaxes", overflow="fold", ratio=1)
    table.add_column("decoder, licence, version here", overflow="fold", ratio=1)
    chains: dict[tuple[Decoder, ...], list[str]] = {}
    for syntax, decoders in all_decoders().items():
        chains.setdefault(decoders, []).append(syntax)
    for decoders, syntaxes in chains.items():
        chain = Table.grid("", "", "", padding=(0, 2), expand=True)
        for decoder in decoders:
            here = decoder.version() if decoder.is_present() else "not installed"
            if not decoder.is_fallback:
                here += ", only where it is pinned"
            chain.add_row(f"{decoder.name}: {decoder.library}", decoder.licence, here)
        names = "\n".join(f"{syntax_name(syntax)} ({syntax})" for syntax in syntaxes)
        table.add_row(names, chain, end_section=True)
    console_here().print(table, highlight=False, markup=False)


def sources_of(src: list[str]) -> list[str]:
    """Return the sources, with ``-`` replaced by the paths on standard input."""
    sources: list[str] = []
    for source in src:
        if source != "-":
            sources.append(source)
            continue
        text = os.fsdecode(sys.stdin.buffer.read())  # paths need not be text of any encoding
        sources += [path for path in re.split("\0" if "\0" in text else "\r?\n", text) if path]
    return sources


def console_here() -> Console:
    """Return the console of a command."""
    from rich.console import Console

    # Lines of a log are as long as they are; only a terminal has a width.
    return Console() if sys.stdout.isatty() else Console(width=120, soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End the command with a message."""
    typer.echo(f"fastpix: {message}", err=True)
    sys.exit(1)
