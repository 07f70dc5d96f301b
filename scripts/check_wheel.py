"""Whether a wheel holds what it must, and nothing else: ``python scripts/check_wheel.py WHEEL``.

It must hold each file under ``src/fastpix``, each compiled module that has a stub there, the code
that these share, and the licences. It must not hold sources of compiled modules, tests, or others.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = "_cyutility"
LEVELLED = ("_fastpix", "_pixels")  # modules that may have one more for each level
LEVELS = ("_avx2", "_avx512")


def faults(wheel: Path) -> list[str]:
    """Return what is missing, and what should not be there."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    package = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/fastpix").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    modules = {name: module_of(name) for name in held if name.endswith((".so", ".pyd"))}
    compiled = {Path(name).stem for name in package if name.endswith(".pyi")} | {SHARED}
    may_be_compiled = compiled | {name + level for name in LEVELLED for level in LEVELS}
    info = {name for name in held if name.partition("/")[0].endswith(".dist-info")}
    named = {name.partition(".dist-info/")[2] for name in info}
    must_be_named = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    must_be_named |= {f"licenses/licenses/{path.name}" for path in ROOT.glob("licenses/*.txt")}
    found = [f"lacks {name}" for name in sorted(package - held)]
    found += [f"lacks the module {name}" for name in sorted(compiled - set(modules.values()))]
    found += [f"lacks {name} of the metadata" for name in sorted(must_be_named - named)]
    more = held - package - info
    more -= {name for name, module in modules.items() if module in may_be_compiled}
    return found + [f"should not hold {name}" for name in sorted(more)]


def module_of(name: str) -> str:
    """Return the name of a compiled module by that of its file."""
    return name.removeprefix("fastpix/").partition(".")[0]


def main() -> int:
    """Print the faults; the exit code is 1 where there is one."""
    (wheel,) = map(Path, sys.argv[1:])
    found = faults(wheel)
    print("\n".join(found) or f"{wheel.name} holds what it must")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
