"""Pages of help: each fits a screen, begins with what the command does, and its examples parse."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any, get_args

import pytest
import typer
from support.matrices import every

from fastpix.cli import option_values
from fastpix.cli.commands import app
from fastpix.cli.examples import EXAMPLES, GROUPS, RARE, SHORT
from fastpix.compare import PARTS, readers_named
from fastpix.deidentification.copy_options import KEPT, Deidentification
from fastpix.job.formats import FORMATS
from fastpix.job.settings import Compress, Duplicates, Gaps, Unit
from fastpix.recipe import DTYPES, Invert
from fastpix.series.resampling import Interpolation
from fastpix.sources.verdicts import STATUSES
from fastpix.view.terminal import PROTOCOLS
from fastpix.view.voi import FUNCTIONS

COMMAND: Any = typer.main.get_command(app)
HIGHEST = 40  # rows; where there are fewer options, a page fits a terminal of 24
LONG = {"", "audit", "bench", "convert", "deidentify", "info", "join", "series", "stats", "view"}


def commands(group: Any = COMMAND, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command by what stands behind ``fastpix``; ``run`` goes by its group."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        if name != "run":
            yield from commands(command, f"{path} {name}".strip())


ALL = dict(commands())
LEAVES = {
    path: getattr(command, "commands", {}).get("run", command)
    for path, command in ALL.items() if path
}  # fmt: skip


def page(path: str, option: str = "--help", program: str = "fastpix") -> str:
    """Return a page of help as a terminal of 80 columns shows it."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as ended:
            COMMAND.main([*path.split(), option], prog_name=program)
    assert ended.value.code == 0
    return printed.getvalue()


@every("path", ALL)
def test_a_page_fits_a_screen(path: str) -> None:
    text = page(path)
    lines = text.splitlines()
    assert len(lines) <= (HIGHEST if path in LONG else 24)
    assert lines[0].endswith(".")
    assert lines[2].startswith(f"Usage: fastpix {path}".strip())
    heading = "Examples:" if len(EXAMPLES[path]) > 1 else "Example:"
    examples = [f"  {example}" for example in EXAMPLES[path]]
    assert lines[-len(examples) - 1 :] == [heading, *examples]
    assert max(map(len, lines[: -len(examples)])) <= 80
    assert not {"<str>", "<int>", "<path>", "<float>"} & set(text.split())


def test_a_page_by_python_is_the_same() -> None:
    for path in ALL:
        by_python = page(path, program="python -m fastpix")
        assert by_python.count("python -m fastpix") >= 1
        assert by_python.splitlines()[0] == page(path).splitlines()[0]


def test_an_error_has_the_usage_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    for path, command in LEAVES.items():
        with pytest.raises(SystemExit):
            COMMAND.main([*path.split(), "--no-such-option"], prog_name="fastpix")
        usage = capsys.readouterr().err.splitlines()[0]
        assert "{" not in usage, path
        assert usage.endswith(page(path).splitlines()[2].partition("[OPTIONS]")[2]), path
        assert command.name


def test_each_command_is_listed_once() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(COMMAND.commands)
    assert set(SHORT) == set(ALL) - {""}
    assert set(EXAMPLES) == set(ALL)


@every("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_parses(line: str) -> None:
    name, *words = shlex.split(line)
    assert name == "fastpix"
    called: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for path, command in LEAVES.items():
            patch.setattr(command, "callback", lambda path=path, **_: called.append(path))
        COMMAND.main(words, prog_name="fastpix", standalone_mode=False)
    assert len(called) == 1


@every(("path", "rare"), RARE.items())
def test_rare_options_are_named_and_explained_elsewhere(path: str, rare: tuple[str, ...]) -> None:
    usual, whole = page(path), page(path, "--help-all")
    explained = [line.split()[0] for line in whole.splitlines() if line.startswith("  -")]
    assert set(rare) <= set(explained)
    for option in rare:
        assert f"\n  {option} " not in usual.replace(f"{option},", "")
        assert option in usual
    assert f"fastpix {path} --help-all" in usual
    assert "--help-all" not in whole


def test_values_are_explained() -> None:
    convert = " ".join(page("convert").split())
    for words in ("auto: the smallest", "max: subtract", "range: mirror", "none: leave", "HU"):
        assert words in convert
    whole = " ".join(page("convert", "--help-all").split())
    assert "4294967296, which is 4 GiB" in whole
    assert "--timeout SECONDS" in whole
    assert "MM MM MM" in whole


def test_a_shell_offers_the_values_that_there_are() -> None:
    offered = option_values
    assert set(offered.INVERT) == set(get_args(Invert))
    assert set(offered.DTYPES) <= set(DTYPES)
    assert set(offered.CACHE_FORMATS) == set(FORMATS)
    assert set(offered.UNITS) == set(get_args(Unit))
    assert set(offered.COMPRESSIONS) == set(get_args(Compress))
    assert set(offered.DUPLICATES) == set(get_args(Duplicates))
    assert set(offered.GAPS) == set(get_args(Gaps))
    assert set(offered.ORDERS) == set(map(str, get_args(Interpolation)))
    assert set(offered.KEPT) == set(KEPT)
    assert set(offered.STATUSES) == set(STATUSES)
    assert set(offered.FUNCTIONS) == {name.lower() for name in FUNCTIONS}
    assert set(offered.PROTOCOLS) == set(PROTOCOLS)
    for dates in offered.DATES:
        assert Deidentification(dates=dates).dates == dates  # type: ignore[arg-type]
    assert offered.some_of(offered.reader_names)("pydicom,fast") == [("pydicom,fastpix", "")]
    for name in offered.reader_names():
        assert readers_named(name, [part.readers for part in PARTS.values()])
    assert set(offered.part_names()) == set(PARTS)
