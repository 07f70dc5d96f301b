"""A Recipe is checked when it is made, never changes, and comes back from a sidecar the same."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import encode, make_dataset
from support.matrices import every

import fastpix
from fastpix import ArgumentError, FastpixError, Recipe
from fastpix.recipe import DTYPES

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
RECIPES = st.builds(
    Recipe,
    dtype=st.sampled_from(DTYPES),
    rescale=st.booleans(),
    invert=st.sampled_from(["max", "range", "none"]),
    normalize=st.none()
    | st.tuples(FINITE, FINITE).map(sorted).filter(lambda ends: ends[0] < ends[1]).map(tuple),
    padding=st.none() | st.floats(allow_nan=False),
) | st.builds(
    Recipe,
    dtype=st.sampled_from(["float32", "float64", "auto"]),
    normalize=st.none() | st.just((0, 1)),
    color_range=st.tuples(FINITE, FINITE).map(sorted).filter(lambda ends: ends[0] < ends[1]),
)


def made(**arguments: Any) -> Recipe:
    """A Recipe from arguments of any type."""
    return Recipe(**arguments)


def test_defaults() -> None:
    recipe = Recipe()
    assert recipe.to_dict() == {
        "dtype": "float32",
        "rescale": True,
        "invert": "max",
        "normalize": None,
        "padding": None,
        "decoder": None,
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype(dtype: str) -> None:
    assert Recipe(dtype=dtype).dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (np.float32, "float32"),
        (np.dtype("float64"), "float64"),
        ("f4", "float32"),
        ("<i2", "int16"),
        (">u2", "uint16"),  # arrays are native-endian whatever was asked for
        (float, "float64"),
        (np.uint8, "uint8"),
    ],
)
def test_dtype_spelled_otherwise(dtype: Any, name: str) -> None:
    recipe = made(dtype=dtype)
    assert recipe.dtype == name
    assert type(recipe.dtype) is str
    assert recipe == Recipe(dtype=name)
    assert hash(recipe) == hash(Recipe(dtype=name))


@every(
    ("argument", "value"),
    [
        ("dtype", "float16"),
        ("dtype", "float"[:0]),
        ("dtype", "Float32"),
        ("dtype", "complex64"),
        ("dtype", "bool"),
        ("dtype", bool),
        ("dtype", "S4"),
        ("dtype", "f4,f4"),
        ("dtype", "M8[D]"),
        ("dtype", [("a", "f4"), ("a", "f4")]),
        ("dtype", {"names": ["a"], "formats": []}),
        ("dtype", "(-1,)f4"),
        ("dtype", "(2,)f4"),
        ("dtype", "f4,("),
        ("dtype", object),
        ("dtype", 4),
        ("dtype", object()),
        ("dtype", None),  # which NumPy takes for float64
        ("rescale", 1),
        ("rescale", None),
        ("rescale", "False"),
        ("rescale", np.array([True, False])),
        ("invert", "Max"),
        ("invert", ""),
        ("invert", None),
        ("invert", True),
        ("invert", ["max"]),
        ("normalize", (0, 0)),
        ("normalize", (1, 0)),
        ("normalize", (0, math.inf)),
        ("normalize", (-math.inf, 0)),
        ("normalize", (math.nan, 1)),
        ("normalize", (0, math.nan)),
        ("normalize", (0,)),
        ("normalize", (0, 1, 2)),
        ("normalize", ()),
        ("normalize", 5),
        ("normalize", True),
        ("normalize", "01"),
        ("normalize", ("0", "1")),
        ("normalize", (None, 1)),
        ("normalize", (0, 1j)),
        ("normalize", (-1.7e308, 1.7e308)),
        ("normalize", (0, 10**400)),
        ("color_range", (0, 0)),
        ("color_range", (255, 0)),
        ("color_range", (0, math.nan)),
        ("color_range", 255),
        ("color_range", "01"),
        ("color_range", (-1.7e308, 1.7e308)),
        ("color_range", (0, 1e39)),  # beyond float32
        ("padding", "abc"),
        ("padding", "5"),
        ("padding", True),
        ("padding", [1]),
        ("padding", 1j),
        ("padding", 10**400),
        ("padding", object()),
    ],
)
def test_bad_argument(argument: str, value: object) -> None:
    with pytest.raises(ArgumentError) as caught:
        made(**{argument: value})
    assert caught.value.argument == argument
    assert str(caught.value).startswith(f"{argument}: ")
    assert isinstance(caught.value, FastpixError)


def test_argument_errors_say_what_is_allowed() -> None:
    with pytest.raises(ArgumentError, match="float32, float64, auto, int8"):
        Recipe(dtype="float16")
    with pytest.raises(ArgumentError, match="'max', 'range' or 'none'"):
        made(invert="maximum")
    with pytest.raises(ArgumentError, match="lo < hi"):
        Recipe(normalize=(1, 0))
    with pytest.raises(ArgumentError, match="True nor False"):
        made(rescale=0)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ((0, 1), (0.0, 1.0)),
        ([-1024, 3071], (-1024.0, 3071.0)),
        (np.array([0, 255], np.uint8), (0.0, 255.0)),
        ((np.float32(0.1), np.int64(2)), (float(np.float32(0.1)), 2.0)),
    ],
    ids=repr,
)
def test_normalize_becomes_two_floats(given_: Any, kept: tuple[float, float]) -> None:
    normalize = made(normalize=given_).normalize
    assert normalize == kept
    assert normalize is not None
    assert [type(end) for end in normalize] == [float, float]


@pytest.mark.parametrize("ends", [(-0.0, 1.0), (-1.0, -0.0)])
def test_normalize_has_no_negative_zero(ends: tuple[float, float]) -> None:
    normalize = Recipe(normalize=ends).normalize
    assert normalize is not None
    assert [math.copysign(1, end) for end in normalize if end == 0] == [1]


@pytest.mark.parametrize("padding", [0, -5, 1.5, np.float32(0.5), np.int16(-2000), math.inf])
def test_padding_becomes_a_float(padding: Any) -> None:
    recipe = made(padding=padding)
    assert type(recipe.padding) is float
    assert recipe.padding == padding


def test_rescale_becomes_a_bool() -> None:
    assert made(rescale=np.bool_(False)).rescale is False


def test_frozen() -> None:
    recipe = Recipe()
    for field in fields(Recipe):
        with pytest.raises(FrozenInstanceError):
            setattr(recipe, field.name, getattr(recipe, field.name))
    with pytest.raises((AttributeError, TypeError)):
        recipe.__setattr__("other", 1)
    assert not hasattr(recipe, "__dict__")


def test_replace_checks_too() -> None:
    assert replace(Recipe(), dtype="int16") == Recipe(dtype="int16")
    with pytest.raises(ArgumentError):
        replace(Recipe(), dtype="int17")


def test_hashable_and_equal_by_value() -> None:
    same = [Recipe(normalize=(0, 1)), made(normalize=[0.0, 1.0]), Recipe(normalize=(0.0, 1))]
    assert len({*same, Recipe(), Recipe(dtype="float32")}) == 2
    assert Recipe(padding=0) != Recipe()


def test_two_recipes_with_nan_are_the_same() -> None:
    """A job that is resumed compares its recipe with the sidecars'."""
    ours, theirs = Recipe(padding=math.nan), Recipe(padding=float("nan"))
    assert ours == theirs
    assert hash(ours) == hash(theirs)
    assert Recipe.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours


@given(recipe=RECIPES)
def test_round_trip_through_strict_json(recipe: Recipe) -> None:
    text = json.dumps(recipe.to_dict(), allow_nan=False)
    back = Recipe.from_dict(json.loads(text))
    assert back == recipe
    assert hash(back) == hash(recipe)
    assert json.dumps(back.to_dict(), allow_nan=False) == text


@pytest.mark.parametrize(
    ("dtype", "color_range"),
    [("uint8", (0, 255)), ("int8", (-128, 127)), ("int16", (-255, 255)), ("uint16", (0, 65535)),
     ("float32", (0, 1)), ("float64", (0, 1e39)), ("auto", (0.5, 1))],
)  # fmt: skip
def test_ranges_of_colour_that_a_dtype_holds(dtype: str, color_range: tuple[float, float]) -> None:
    assert Recipe(dtype, color_range=color_range).color_range == color_range


@pytest.mark.parametrize(
    ("dtype", "color_range", "words"),
    [("uint8", (0, 1), "no whole number for each of 0..255"),
     ("uint8", (0, 254), "use (0, 255), or a float dtype"),
     ("uint8", (1, 256), "uint8 cannot hold (1, 256)"),
     ("uint8", (0.5, 255.5), "uint8 cannot hold (0.5, 255.5)"),
     ("int8", (0, 255), "int8 cannot hold (0, 255)"),
     ("uint16", (-255, 0), "uint16 cannot hold (-255, 0)"),
     ("int64", (0, 2.0**64), "int64 cannot hold")],
)  # fmt: skip
def test_ranges_of_colour_that_a_dtype_does_not_hold(
    dtype: str, color_range: tuple[float, float], words: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        Recipe(dtype, color_range=color_range)
    assert caught.value.argument == "color_range"
    assert words in str(caught.value)


def test_a_recipe_without_colour_is_kept_as_it_always_was() -> None:
    """Caches are told apart by what their recipes are kept as."""
    assert "color_range" not in Recipe(normalize=(0, 1)).to_dict()
    kept = Recipe(normalize=(0, 1), color_range=(0, 1)).to_dict()
    assert kept["color_range"] == [0, 1]
    assert Recipe.from_dict(kept) != Recipe(normalize=(0, 1))


@pytest.mark.parametrize("padding", [math.nan, math.inf, -math.inf])
def test_round_trip_of_what_json_cannot_hold(padding: float) -> None:
    kept = json.loads(json.dumps(Recipe(padding=padding).to_dict(), allow_nan=False))
    back = Recipe.from_dict(kept).padding
    assert back is not None
    assert np.array_equal(back, padding, equal_nan=True)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe("int16", False, "range", (0, 1), -1.5)], ids=["default", "all"]
)
def test_pickles_and_copies(recipe: Recipe) -> None:
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert copy.deepcopy(recipe) == recipe
    assert eval(repr(recipe)) == recipe


def test_to_dict_has_plain_types_and_is_a_copy() -> None:
    recipe = made(
        dtype=np.int16, rescale=np.bool_(True), normalize=np.array([0, 1]), padding=2,
        decoder="zlib",
    )  # fmt: skip
    kept = recipe.to_dict()
    assert {name: type(value) for name, value in kept.items()} == {
        "dtype": str, "rescale": bool, "invert": str, "normalize": list, "padding": float,
        "decoder": str,
    }  # fmt: skip
    kept["normalize"][0] = -1
    assert recipe.normalize == (0, 1)


def test_from_dict_of_a_part_takes_the_defaults() -> None:
    assert Recipe.from_dict({}) == Recipe()
    assert Recipe.from_dict({"dtype": "int16"}) == Recipe(dtype="int16")


@pytest.mark.parametrize(
    ("kept", "argument"),
    [
        ({"dtpye": "int16"}, "recipe"),
        ({"dtype": "int17"}, "dtype"),
        ({"normalize": [1]}, "normalize"),
        ({"padding": "none"}, "padding"),
        ({"padding": "5"}, "padding"),
        ({"rescale": "true"}, "rescale"),
        ({"invert": None}, "invert"),
        (None, "recipe"),
        (5, "recipe"),
        ("dtype", "recipe"),
        ([["dtype", "int16"]], "recipe"),
    ],
)
def test_from_dict_of_something_else(kept: Any, argument: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Recipe.from_dict(kept)
    assert caught.value.argument == argument


def test_unknown_key_is_named() -> None:
    with pytest.raises(ArgumentError, match="dtpye"):
        Recipe.from_dict({"dtpye": "int16"})


# How it meets the public functions


def test_a_recipe_and_its_keywords_are_the_same() -> None:
    source = encode(make_dataset(RescaleSlope="2", PhotometricInterpretation="MONOCHROME1"))
    keywords = {"dtype": "float64", "rescale": False, "invert": "range", "padding": 0.0}
    recipe = made(**keywords)
    with fastpix.open(source) as image:
        assert image.plan(recipe) == image.plan(**keywords)  # type: ignore[arg-type]
        assert image.read(recipe).tobytes() == image.read(**keywords).tobytes()  # type: ignore[arg-type]
    assert fastpix.imread(source, recipe=recipe).dtype == np.float64


@pytest.mark.parametrize(
    "keywords",
    [
        {"dtype": "int16"},
        {"rescale": False},
        {"invert": "none"},
        {"normalize": (0, 1)},
        {"padding": 0},
    ],
)
def test_a_recipe_and_keywords_are_one_too_many(keywords: dict[str, Any]) -> None:
    source = encode(make_dataset())
    with pytest.raises(ArgumentError) as caught:
        fastpix.imread(source, recipe=Recipe(dtype="float64"), **keywords)
    assert caught.value.argument == "recipe"


@pytest.mark.parametrize("recipe", [{"dtype": "int16"}, "int16", 0, False])
def test_a_recipe_of_another_type(recipe: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        fastpix.imread(encode(make_dataset()), recipe=recipe)
    assert caught.value.argument == "recipe"
