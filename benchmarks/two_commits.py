"""Two commits beside each other: what the second costs, and whether anything became slower.

    python benchmarks/two_commits.py OLD NEW

OLD and NEW are commits, branches or tags; or paths of a Python that has an installation of fastpix
and the packages of its extra `test`. Each commit is built from a git worktree into an
environment of its own, under build/two-commits, which is kept for the next time. The cases
are those of `build_cases.py`, in the files of this checkout for both. They run in pairs, in turns
A B B A (`paired_builds.py`). A case whose ratio is above 1.05, with all of its 95 % interval, is a
loss: then the exit code is 1; it is 2 where a commit cannot be built.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from math import exp, log
from pathlib import Path
from statistics import fmean

from build_cases import FAMILIES
from paired_builds import MOST, Build, Finding, Times, finding_of, started, take_pairs
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "two-commits"
READY = "ready"  # the last file of an environment that is whole
QUICK = (2, 0.05)  # starts, and seconds of a case: to see that all of it works


def python_of(name: str, constraints: Path | None = None) -> str:
    """Return a Python with the build of a commit; that of an earlier run, if it is there.

    Parameters
    ----------
    name : str
        A commit, or the path of a Python.
    constraints : Path, optional
        Versions of dependencies, as pip takes them.
    """
    if Path(name).is_file() and os.access(name, os.X_OK):
        return name
    commit = _output("git", "rev-parse", "--verify", f"{name}^{{commit}}").strip()
    folder = FOLDER / commit[:12]
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if (folder / READY).exists():
        return str(python)
    print(f"Building {name} ({commit[:12]}): takes a minute or two", file=sys.stderr, flush=True)
    source = folder / "source"
    folder.mkdir(parents=True, exist_ok=True)
    if source.exists():  # of a run that was killed
        _run("git", "worktree", "remove", "--force", str(source))
    _run("git", "worktree", "add", "--quiet", "--detach", str(source), commit)
    try:
        _run(sys.executable, "-m", "venv", "--clear", str(folder / "venv"))
        limits = [] if constraints is None else ["-c", str(constraints)]
        _run(str(python), "-m", "pip", "install", "-q", *limits, f"{source}[test]")
    finally:
        _run("git", "worktree", "remove", "--force", str(source))
    (folder / READY).touch()
    return str(python)


def constraints_of(python: str) -> Path:
    """Return a file with the versions that an environment has, but for fastpix."""
    found = _output(python, "-m", "pip", "freeze", "--exclude", "fastpix")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "constraints.txt"
    path.write_text(found)
    return path


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def measured(
    pythons: tuple[str, str], families: Sequence[str], starts: int, seconds: float, console: Console
) -> list[Finding]:
    """Return what the second of two installations costs, case by case."""
    times: dict[str, Times] = {}
    for start in range(starts):
        with ExitStack() as stack:
            turned = start % 2 == 1  # which process starts first may matter, too
            order = pythons[::-1] if turned else pythons
            builds = [stack.enter_context(started(python, families)) for python in order]
            a, b = builds[::-1] if turned else builds
            if start == 0:
                for text in differences(a, b):
                    console.print(text, highlight=False, markup=False)
            for name in a.names:
                if name in b.names:
                    pairs = take_pairs(a, b, name, 2 * seconds)
                    times.setdefault(name, Times()).starts.append(pairs)
        print(f"start {start + 1} of {starts} is done", file=sys.stderr, flush=True)
    return [finding_of(name, found) for name, found in times.items()]


def differences(a: Build, b: Build) -> list[str]:
    """Return what else differs between two installations, in words."""
    found = [
        f"{which} does not run the cases of {family}: {why}"
        for which, build in (("OLD", a), ("NEW", b))
        for family, why in build.left_out.items()
    ]
    names = sorted((a.versions.keys() & b.versions.keys()) - {"fastpix", "pip", "setuptools"})
    other = [name for name in names if a.versions[name] != b.versions[name]]
    found += [f"OLD has {name} {a.versions[name]}, NEW {b.versions[name]}" for name in other]
    if other:
        found.append("Versions of packages differ: a ratio may be theirs. Remove build/two-commits")
    return found


def table_of(findings: Sequence[Finding]) -> Table:
    """Return what a person sees."""
    table = Table(title="CPU time of NEW in that of OLD", title_justify="left")
    table.add_column("case")
    for heading in ("OLD, µs", "NEW / OLD", "95 % interval"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for each in findings:
        table.add_row(
            each.case,
            f"{each.microseconds:.1f}",
            f"{each.ratio:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            "LOSS" if each.is_loss else "gain" if each.is_gain else "",
        )
    return table


def means(findings: Sequence[Finding]) -> dict[str, float]:
    """Return the geometric mean of the ratios of each family."""
    found: dict[str, list[float]] = {}
    for each in findings:
        found.setdefault(each.case.partition(":")[0], []).append(log(each.ratio))
    return {family: exp(fmean(logs)) for family, logs in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, measure, print; the exit code is 1 where something became slower."""
    parser = argparse.ArgumentParser(description="Two commits in paired runs.")
    parser.add_argument("old", metavar="OLD", help="a commit, or a Python with an installation")
    parser.add_argument("new", metavar="NEW", help="likewise")
    parser.add_argument(
        "--only", nargs="*", choices=FAMILIES, metavar="FAMILY", help=", ".join(FAMILIES)
    )
    parser.add_argument("--starts", type=int, default=6, help="of the processes [default: 6]")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="of each case, build and start [default: 0.5]"
    )
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the findings, for programs")
    chosen = parser.parse_args(arguments)
    if chosen.starts < 1 or not chosen.seconds > 0:
        parser.error("--starts and --seconds must be positive")
    starts, seconds = QUICK if chosen.quick else (chosen.starts, chosen.seconds)
    try:
        old = python_of(chosen.old)
        new = python_of(chosen.new, None if chosen.new == chosen.old else constraints_of(old))
    except subprocess.CalledProcessError as error:
        print(f"This failed, and says why above: {shlex.join(map(str, error.cmd))}", flush=True)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 120)
    findings = measured((old, new), chosen.only or list(FAMILIES), starts, seconds, console)
    console.print(table_of(findings))
    for family, mean in means(findings).items():
        console.print(f"{family}: {mean:.3f} (geometric mean)", highlight=False)
    losses = [each.case for each in findings if each.is_loss]
    if chosen.json is not None:
        made = {
            "old": chosen.old,
            "new": chosen.new,
            "starts": starts,
            "seconds": seconds,
            "losses": losses,
            "findings": [asdict(each) for each in findings],
        }
        chosen.json.write_text(json.dumps(made, indent=1) + "\n")
    if losses:
        console.print(
            f"{len(losses)} of {len(findings)} cases are slower by more than "
            f"{100 * (MOST - 1):.0f} %: {'; '.join(losses)}. "
            f"Measure them alone: --only FAMILY --starts 12",
            highlight=False,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
