"""Mutants of the installed package, made by cosmic-ray: prints those that no test notices.

    python tests/mutation.py COUNT MODULE...

MODULE is a package or a file below fastpix, as in ``plan image/values.py``; COUNT mutants of them
are drawn, of a seed that MUTATION_SEED may name. Run it by ``nox -s mutation``: the files that it
changes are those of an environment made for it, never those of a checkout.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkResult

import fastpix

PACKAGE = Path(fastpix.__file__).parent
TESTS = Path(__file__).parent
MODULES = ("header", "plan", "frames", "image")  # if none is named
# First what is near a module; what lives there is held against all that reads images.
NEAR = {
    "plan": ("plan", "header/test_rescale.py", "header/test_luts.py", "header/test_padding.py",
             "image/test_image.py", "test_docs.py"),
    "image": ("image/test_frame_threads.py", "image/test_inexact_bits.py", "image/test_image.py",
              "image/test_threads.py", "header/test_rescale.py", "source/test_source.py"),
}  # fmt: skip
WIDE = ("header", "plan", "frames", "image", "source", "runs", "interop/test_backend.py")
PYTEST = f"{sys.executable} -m pytest -x -q -p no:cacheprovider"
NEAR_SECONDS, WIDE_SECONDS = 120, 600


def files_of(names: list[str]) -> list[Path]:
    """Return the modules that are named."""
    found: list[Path] = []
    for name in names:
        path = PACKAGE / name
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def drawn(files: list[Path], count: int) -> list[MutationSpec]:
    """Return some mutants, at most one for each place in the code."""
    places: dict[tuple[Path, tuple[int, int]], list[MutationSpec]] = defaultdict(list)
    with use_db(":memory:", WorkDB.Mode.create) as database:
        init(files, database, {})
        for item in database.work_items:
            for mutation in item.mutations:
                if "_BitOr_" not in mutation.operator_name:  # most are the | of a type
                    places[mutation.module_path, mutation.start_pos].append(mutation)
    seed = int(os.environ.get("MUTATION_SEED", random.randrange(10**6)))
    print(f"{len(places)} places in {len(files)} modules; MUTATION_SEED={seed}")
    chance = random.Random(seed)
    chosen = chance.sample(sorted(places), min(count, len(places)))
    return [chance.choice(sorted(places[place], key=str)) for place in chosen]


def tried(mutation: MutationSpec) -> WorkResult:
    """Run the tests on a mutant: those of its package, then all others."""
    package = mutation.module_path.relative_to(PACKAGE).parts[0]
    near = [TESTS / name for name in NEAR.get(package, (package,))]
    wide = [TESTS / name for name in WIDE if TESTS / name not in near]
    result = None
    for paths, options, seconds in ((near, "", NEAR_SECONDS), (wide, "-n auto", WIDE_SECONDS)):
        if result is None or result.test_outcome == TestOutcome.SURVIVED:
            result = mutate_and_test([mutation], f"{PYTEST} {options} {_words(paths)}", seconds)
    assert result is not None
    return result


def _words(paths: list[Path]) -> str:
    return " ".join(map(str, paths))


def main(count: int, names: list[str]) -> None:
    """Draw mutants, try them, print the survivors."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # a mutant and its original share size and second
    for cached in PACKAGE.rglob("*.pyc"):
        cached.unlink()
    near = [str(TESTS / name) for name in WIDE]
    subprocess.run([*PYTEST.split(), "-n", "auto", *near], check=True)  # without a mutant
    lived = 0
    mutants = drawn(files_of(names), count)
    for number, mutation in enumerate(mutants, 1):
        result = tried(mutation)
        where = f"{mutation.module_path.relative_to(PACKAGE)}:{mutation.start_pos[0]}"
        outcome = result.test_outcome.value if result.test_outcome else result.worker_outcome.value
        print(f"{number}/{len(mutants)} {outcome} {where} {mutation.operator_name}", flush=True)
        if outcome != TestOutcome.KILLED.value:
            lived += 1
            print(result.diff or result.output, flush=True)
    print(f"{len(mutants) - lived} of {len(mutants)} mutants were noticed")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:] or list(MODULES))
