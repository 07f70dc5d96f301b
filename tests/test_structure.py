"""The shape of the package: stages, arrows that point one way, small modules, documented names."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest
from support.matrices import every

import fastpix

PACKAGE = Path(fastpix.__file__).parent
ROOT = Path(__file__).parent.parent
LONGEST = 400  # lines of a module

# What each package, or module of its own, may import; imports for typing count too.
LEAVES = {"errors", "notes", "standard", "recipe", "in_notebooks"}
JOB_LEAVES = {"new_files", "pseudonyms", "processes", "sources"}
DECIDING = {*LEAVES, "redaction", "source", "kernel", "header", "plan"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "notes": set(),
    "in_notebooks": set(),
    "standard": set(),
    "recipe": {"errors", "standard"},
    "new_files": set(),
    "pseudonyms": {"errors", "new_files"},
    "processes": {"errors"},
    "redaction": {"errors"},
    "source": {"errors"},
    "kernel": {"errors"},
    "text_detection": {"errors"},
    "header": {"errors", "notes", "standard", "source"},
    "sources": {*LEAVES, "new_files", "pseudonyms", "header"},
    "plan": {*LEAVES, "redaction", "kernel", "header"},
    "frames": {"errors", "notes", "standard", "source", "header", "plan"},
    "image": {*DECIDING, "frames"},
    "runs": {*DECIDING, "frames", "image"},
    "series": {*DECIDING, "frames", "image", "runs"},
    "loaders": {*DECIDING, "image", "runs", "series"},
    "interop": {*DECIDING, "frames", "image", "series", "loaders"},
    "job": {*DECIDING, *JOB_LEAVES, "frames", "image", "runs", "series"},
    "view": {*DECIDING, "frames", "image", "series", "interop", "job"},
    "audit": {*DECIDING, *JOB_LEAVES, "frames", "image", "runs", "series", "job", "view",
              "text_detection"},
    "deidentification": {*DECIDING, *JOB_LEAVES, "frames", "image", "series", "job", "view",
                   "text_detection"},
    "torch": {*DECIDING, *JOB_LEAVES, "frames", "image", "runs", "series", "loaders", "job"},
    "compare": {*LEAVES, *JOB_LEAVES, "image", "loaders", "interop", "job"},
    "cli": {*LEAVES, *JOB_LEAVES, "plan", "frames", "image", "series", "loaders", "interop", "job",
            "view", "audit", "compare", "redaction", "deidentification"},
    # The public face: names, and nothing of their own.
    "backend": {"interop"},
    "monai": {"interop"},
    "__init__": {"errors", "recipe", "header", "plan", "image", "runs", "series", "loaders",
                 "kernel", "interop", "job", "backend", "deidentification"},
    "__main__": {"cli"},
}  # fmt: skip
# Where compiled modules belong, which lie beside the packages.
COMPILED = {
    "_files": "source", "_fastpix": "kernel", "_index": "header", "_elements": "header",
    "_top_level": "header",
    "_statistics": "job", "_fragments": "frames", "_scans": "frames", "_pixels": "interop",
}  # fmt: skip

MODULES = sorted(PACKAGE.rglob("*.py"))
CYTHON = sorted(chain(ROOT.glob("src/**/*.pyx"), ROOT.glob("src/**/*.px[di]")))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def package_of(module: str) -> str:
    first = module.partition(".")[0]
    return COMPILED.get(first, first)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


NAMES = {module_name(path) for path in MODULES} | COMPILED.keys()


@cache
def imports_of(path: Path) -> set[str]:
    """Modules of ours that a module imports anywhere, for typing included."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("fastpix.")}
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("fastpix"):
            continue
        base = str(node.module)
        for alias in node.names:
            inner = f"{base}.{alias.name}".removeprefix("fastpix.")
            found.add(f"fastpix.{inner}" if inner in NAMES else base)
    return {name.removeprefix("fastpix.") for name in found if name != "fastpix"}


@every("path", MODULES)
def test_packages_import_what_they_may(path: Path) -> None:
    package = package_of(module_name(path))
    assert package in MAY_IMPORT, f"{package} has no place in the order of the packages"
    for imported in imports_of(path):
        other = package_of(imported)
        assert other == package or other in MAY_IMPORT[package], f"{path.name} imports {imported}"


def test_no_circle() -> None:
    assert list(TopologicalSorter(MAY_IMPORT).static_order())
    modules = {module_name(path): imports_of(path) for path in MODULES}
    assert list(TopologicalSorter(modules).static_order())


@every("path", [*MODULES, *CYTHON])
def test_modules_are_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST, "it wants to be two modules"
    if path.suffix == ".py":
        purpose = ast.get_docstring(parsed(path)) or ""
    else:
        # cython's own directives may come first
        lines = [line for line in text.splitlines() if not line.startswith("# cython:")]
        purpose = lines[0].strip('"# ')
    assert purpose.partition("\n")[0].endswith((".", ":")), "its first line is a sentence"


def test_no_two_modules_share_a_name() -> None:
    names = [path.stem for path in MODULES if path.stem not in ("__init__", "__main__")]
    public = {"monai", "backend"}
    assert {name for name in names if names.count(name) > 1} <= public


@every("name", fastpix.__all__)
def test_public_names_are_documented(name: str) -> None:
    public = getattr(fastpix, name)
    assert inspect.getdoc(public)
    if inspect.isfunction(public):
        signature = inspect.signature(public)
        assert signature.return_annotation is not inspect.Signature.empty
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty


def test_public_names_are_found_and_others_are_not() -> None:
    assert set(fastpix.__all__) <= set(dir(fastpix))
    assert fastpix.__version__
    with pytest.raises(AttributeError, match="nothing"):
        fastpix.nothing  # noqa: B018


def loaded_by(command: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a command."""
    program = f"import sys\n{command}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_import_loads_nothing_but_itself() -> None:
    loaded = loaded_by("import fastpix") - loaded_by("import importlib, typing")
    assert {name for name in loaded if name.startswith(("pydicom", "numpy", "fastpix."))} == set()


def test_heavy_libraries_are_not_loaded() -> None:
    loaded = loaded_by("import fastpix\nfor name in fastpix.__all__: getattr(fastpix, name)")
    assert not {"monai", "torch", "rich", "typer", "skimage", "highdicom"} & loaded


def test_missing_monai_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fastpix.monai", "fastpix.interop.monai_reader"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("monai", "monai.data"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[monai\]'"):
        importlib.import_module("fastpix.monai")
