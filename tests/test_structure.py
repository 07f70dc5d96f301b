"""The shape of the package: imports point one way, what is public is documented and typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

import fastpix

PACKAGE = Path(fastpix.__file__).parent
# Each layer may import those before it, and its own modules earlier in its line.
LAYERS = [
    ["errors", "tags", "syntaxes"],
    ["_files", "source", "_index", "index", "_elements", "filereader", "dataset", "steps",
     "codestream", "jpeg_xl", "selection"],
    ["attributes", "luts", "rescale", "pixel_module"],
    ["header", "instance"],
    ["codecs.format", "codecs.checks", "codecs.inside", "codecs.decoders",
     "codecs.samples", "codecs.decoding", "codecs"],
    ["recipe", "describe", "plan"],
    ["frames", "cells"],
    ["reference", "_fastpix", "kernel"],
    ["values", "reading"],
    ["image", "series", "loaders", "blocks", "many"],
    ["backend", "monai"],
    ["pixels.reference", "_pixels", "pixels.loops", "pixels.memory", "pixels.windowing",
     "pixels.luts", "pixels.color", "pixels.elements", "pixels.native", "pixels.arrays",
     "pixels"],
    ["convert.names", "convert.vocabulary", "convert.files", "convert.sidecar", "convert.store",
     "convert.survey", "convert.instance", "convert.pool", "convert.summary", "convert"],
    ["compare.readers", "compare.worker", "compare.differences", "compare.measure",
     "compare.table", "compare"],
    ["progress"],
    ["cli", "__main__"],
]  # fmt: skip
ORDER = {name: place for place, name in enumerate(chain.from_iterable(LAYERS))}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports_of(path: Path) -> set[str]:
    """Modules of ours that a module imports at run time."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and ast.unparse(guard.test) == "TYPE_CHECKING"
        for node in ast.walk(guard)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in typing_only and node.module:
            base = node.module.removeprefix("fastpix").removeprefix(".")
            if node.module == "fastpix":
                found |= {alias.name for alias in node.names if alias.name in ORDER}
            elif node.module.startswith("fastpix."):
                names = {f"{base}.{alias.name}" for alias in node.names}
                found |= names & ORDER.keys() or {base}
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_one_way(path: Path) -> None:
    name = module_name(path)
    if name == "":
        return
    assert name in ORDER, f"{name} has no place in the order of the modules"
    for imported in imports_of(path):
        assert ORDER[imported] < ORDER[name], f"{name} imports {imported}"


@pytest.mark.parametrize("name", fastpix.__all__)
def test_public_names_are_documented(name: str) -> None:
    public = getattr(fastpix, name)
    assert inspect.getdoc(public)
    if inspect.isfunction(public):
        signature = inspect.signature(public)
        assert signature.return_annotation is not inspect.Signature.empty
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty


def test_heavy_libraries_are_not_imported() -> None:
    command = "import sys, fastpix; print(sorted({'monai', 'torch'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_missing_monai_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fastpix.monai", raising=False)
    for name in ("monai", "monai.data"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[monai\]'"):
        importlib.import_module("fastpix.monai")


def test_modules_stay_small() -> None:
    for path in MODULES:
        lines = len(path.read_text().splitlines())
        assert lines <= 450, f"{path.name} has {lines} lines: it wants to be two modules"
