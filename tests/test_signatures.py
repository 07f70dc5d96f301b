"""The keywords of a Recipe stand in many signatures: names, order and defaults agree everywhere."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import fastpix
from fastpix import Image, Recipe, Stack
from fastpix.recipe import one_recipe

DEFAULTS = {field.name: field.default for field in fields(Recipe)}
KEYWORDS = [name for name in DEFAULTS if name != "decoder"]  # `open` has that of an Image
LOADERS: dict[str, Callable[..., Any]] = {
    "imread": fastpix.imread,
    "imread_many": fastpix.imread_many,
    "imread_batch": fastpix.imread_batch,
    "dicom_to_array": fastpix.dicom_to_array,
    "dicom_to_tensor": fastpix.dicom_to_tensor,
    "read_series": fastpix.read_series,
}
METHODS: dict[str, Callable[..., Any]] = {
    "Image.read": Image.read,
    "Image.plan": Image.plan,
    "Image.iter_frames": Image.iter_frames,
    "Stack.read": Stack.read,
    "Stack.plan": Stack.plan,
}
ALL = {**LOADERS, **METHODS}
EXPLAINED = [*LOADERS, "Image.read", "Stack.read"]
OF_VOLUMES = ["read_series", "Stack.read"]  # their `invert` looks at all planes


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def entries(function: Callable[..., Any]) -> dict[str, str]:
    """The section Parameters of a docstring: names, with type and text."""
    text = inspect.getdoc(function) or ""
    section = text.partition("Parameters\n----------\n")[2].split("\n\n")[0]
    found: dict[str, str] = {}
    for line in section.splitlines():
        if not line.startswith(" "):
            name, _, kind = line.partition(" : ")
            found[name] = kind
        else:
            found[name] += "\n" + line
    return found


def test_no_signature_is_forgotten() -> None:
    named = {name: getattr(fastpix, name) for name in fastpix.__all__}
    for kind in (Image, Stack):
        named |= {f"{kind.__name__}.{k}": v for k, v in vars(kind).items() if k[0] != "_"}
    found = {
        name
        for name, member in named.items()
        if inspect.isfunction(member) and "rescale" in parameters(member)
    }
    assert found == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_names_order_and_defaults(name: str) -> None:
    given = parameters(ALL[name])
    names = [parameter for parameter in given if parameter in KEYWORDS]
    assert names == KEYWORDS
    for keyword in KEYWORDS + (["decoder"] if name in LOADERS else []):
        assert given[keyword].kind is inspect.Parameter.KEYWORD_ONLY
        assert given[keyword].default == DEFAULTS[keyword]
    assert given["recipe"].default is None


@pytest.mark.parametrize("name", ALL)
def test_annotations(name: str) -> None:
    given = parameters(ALL[name])
    first = parameters(fastpix.imread)
    for keyword in [*KEYWORDS, "recipe"]:
        assert given[keyword].annotation == first[keyword].annotation


def test_a_recipe_is_made_from_keywords_in_its_own_order() -> None:
    assert list(parameters(one_recipe)) == ["recipe", *DEFAULTS]


def test_the_reader_of_monai() -> None:
    """It leaves MONOCHROME1 alone, as MONAI does, and has a dtype only if it is given one."""
    path = Path(fastpix.__file__).parent / "interop" / "monai_reader.py"
    (reader,) = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == "FastpixReader"
    )
    (init,) = (n for n in reader.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    given = {
        argument.arg: ast.literal_eval(default)
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if argument.arg in KEYWORDS and default is not None
    }
    assert list(given) == KEYWORDS
    assert given == {
        **{name: DEFAULTS[name] for name in KEYWORDS},
        "dtype": None,
        "invert": "none",
    }


@pytest.mark.parametrize("name", EXPLAINED)
def test_each_argument_is_explained_in_a_line(name: str) -> None:
    function = ALL[name]
    explained = entries(function)
    assert list(explained) == [p for p in parameters(function) if p != "self"]
    for keyword, text in explained.items():
        assert "See " not in text, keyword
        assert "As in " not in text, keyword
        assert len(text.split("\n")) >= 2, keyword


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_same_argument_is_explained_in_the_same_words(name: str) -> None:
    explained, first = entries(ALL[name]), entries(fastpix.imread)
    same = [k for k in KEYWORDS if k != "invert" or name not in OF_VOLUMES]
    assert [explained[k] for k in same] == [first[k] for k in same]
