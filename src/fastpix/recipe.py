"""What the caller wants done with the pixels: frozen, hashable, and kept in every sidecar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike

from fastpix.errors import ArgumentError
from fastpix.standard.decoder_names import DECODER_NAMES

Invert = Literal["max", "range", "none"]

DTYPES = (
    "float32", "float64", "auto",
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How stored values become output values; the same for every file of a job.

    Parameters
    ----------
    dtype : str or numpy dtype
        ``"float32"`` (default), ``"float64"``, an integer dtype (allowed only if every value is
        exactly an integer in its range), or ``"auto"``: the smallest integer dtype that holds every
        value the header allows, else float32 (float64 beyond 24 bits).
    rescale : bool
        Apply the Modality LUT or Rescale Slope and Intercept (PS3.3 C.11.1); else slope 1,
        intercept 0.
    invert : {"max", "range", "none"}
        What to do with MONOCHROME1. ``"max"``: subtract from the instance's maximum. ``"range"``:
        mirror in the representable range, the same for every file of a data set. ``"none"``: leave.
    normalize : (float, float) or None
        Clip to ``[lo, hi]``, in output units, and map it to ``[0, 1]``.
    padding : float or None
        The value that pixels marked by Pixel Padding Value take (PS3.3 C.7.5.1.1.2). ``None``: they
        are ordinary pixels. NaN is allowed for float dtypes.
    decoder : str or None
        Pins what decodes compressed frames, by the name of its package (docs/codecs.md): lossy data
        have the values that their decoder gives them. ``None``: the fastest that is installed.
    color_range : (float, float) or None
        Bring colour, of whatever depth, to 8 bits, and map 0..255 to ``[lo, hi]``. Monochrome
        images are left alone, as `normalize` then leaves colour. An integer dtype needs a range
        that it holds, by whole steps: ``(0, 255)`` above all. ``None``: colour has the depth of
        the file, and `normalize` on colour is an error.

    Raises
    ------
    ArgumentError
        A value that no image could be read with.
    """

    dtype: str = "float32"
    rescale: bool = True
    invert: Invert = "max"
    normalize: tuple[float, float] | None = None
    padding: float | None = None
    decoder: str | None = None
    color_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", _dtype_name(self.dtype))
        if not isinstance(self.rescale, (bool, np.bool_)):
            raise ArgumentError("rescale", f"{self.rescale!r} is neither True nor False")
        object.__setattr__(self, "rescale", bool(self.rescale))
        if not isinstance(self.invert, str) or self.invert not in get_args(Invert):
            raise ArgumentError("invert", f"{self.invert!r} is not 'max', 'range' or 'none'")
        if self.normalize is not None:
            object.__setattr__(self, "normalize", _interval("normalize", self.normalize))
        if self.padding is not None:
            object.__setattr__(self, "padding", _real("padding", self.padding))
        checked_decoder(self.decoder)
        if self.color_range is not None:
            limits = _interval("color_range", self.color_range)
            object.__setattr__(self, "color_range", limits)
            _check_colors_fit(*limits, self.dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recipe):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        # A padding of NaN is the same as another, though NaN is not.
        padding = str(self.padding)
        return (
            self.dtype, self.rescale, self.invert, self.normalize, padding, self.decoder,
            self.color_range,
        )  # fmt: skip

    def with_dtype(self, dtype: str, is_color: bool) -> Recipe:
        """Return the recipe with the dtype that ``"auto"`` has come to for some images.

        Parameters
        ----------
        dtype : str
        is_color : bool
            Of these images: the range of colour does not have to suit the dtype of others.
        """
        return replace(self, dtype=dtype, color_range=self.color_range if is_color else None)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON can hold it; `from_dict` is the way back."""
        kept: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.normalize is not None:
            kept["normalize"] = list(self.normalize)
        if self.color_range is None:
            del kept["color_range"]  # as recipes were kept before there was one
        else:
            kept["color_range"] = list(self.color_range)
        if self.padding is not None and not math.isfinite(self.padding):
            kept["padding"] = str(self.padding)  # strict JSON knows neither NaN nor infinity
        return kept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` wrote."""
        if not isinstance(kept, Mapping):
            raise ArgumentError("recipe", f"a {type(kept).__name__} is not a mapping")
        unknown = set(kept) - {f.name for f in fields(cls)}
        if unknown:
            raise ArgumentError("recipe", f"unknown keys {sorted(unknown)}")
        values = dict(kept)
        if values.get("padding") in ("nan", "inf", "-inf"):
            values["padding"] = float(values["padding"])
        return cls(**values)


def _dtype_name(dtype: object) -> str:
    if isinstance(dtype, str) and dtype in DTYPES:
        return dtype
    try:
        name = None if dtype is None else np.dtype(dtype).name  # type: ignore[call-overload]
    except (TypeError, ValueError, SyntaxError):  # all that numpy raises for what is no dtype
        name = None
    if name not in DTYPES:
        raise ArgumentError("dtype", f"{dtype!r} is not one of {', '.join(DTYPES)}")
    return str(name)


def _real(argument: str, value: object) -> float:
    if isinstance(value, (str, bytes, bool, np.bool_)):
        raise ArgumentError(argument, f"{value!r} is not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(argument, f"{value!r} is not a number") from error


def _interval(argument: str, value: object) -> tuple[float, float]:
    try:
        lo, hi = tuple(value)  # type: ignore[var-annotated, arg-type]
    except (TypeError, ValueError) as error:
        raise ArgumentError(argument, f"{value!r} is not a pair (lo, hi)") from error
    low, high = _real(argument, lo) + 0.0, _real(argument, hi) + 0.0  # + 0.0: -0 is 0
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ArgumentError(argument, f"({low}, {high}) is not finite with lo < hi")
    if not math.isfinite(high - low):
        raise ArgumentError(argument, f"({low}, {high}) is wider than float64 can hold")
    return low, high


def _check_colors_fit(lo: float, hi: float, dtype: str) -> None:
    """Check that a dtype holds each of the 256 values that colour is mapped to."""
    if dtype in ("auto", "float64"):
        return
    if dtype == "float32":
        if max(-lo, hi) > float(np.finfo(np.float32).max):
            raise ArgumentError("color_range", f"float32 cannot hold ({lo:g}, {hi:g})")
        return
    info = np.iinfo(dtype)
    if not (lo.is_integer() and hi.is_integer() and info.min <= int(lo) and int(hi) <= info.max):
        raise ArgumentError("color_range", f"{dtype} cannot hold ({lo:g}, {hi:g})")
    if not ((hi - lo) / 255).is_integer():
        raise ArgumentError(
            "color_range",
            f"({lo:g}, {hi:g}) has no whole number for each of 0..255, as {dtype} needs: use "
            f"(0, 255), or a float dtype",
        )


def checked_decoder(name: str | None) -> str | None:
    """Return a decoder's name to pin if there is a decoder of that name.

    Raises
    ------
    ArgumentError
        There is not.
    """
    if name is not None and (not isinstance(name, str) or name not in DECODER_NAMES):
        raise ArgumentError("decoder", f"{name!r} is none of {', '.join(sorted(DECODER_NAMES))}")
    return name


_PLAIN = Recipe()


def one_recipe(
    recipe: Recipe | None,
    dtype: DTypeLike,
    rescale: bool,
    invert: Invert,
    normalize: tuple[float, float] | None,
    padding: float | None,
    decoder: str | None = None,
    color_range: tuple[float, float] | None = None,
) -> Recipe:
    """Return the recipe that a call asks for, by its keywords or as a whole.

    Parameters
    ----------
    recipe : Recipe or None
        In place of the fields that follow.
    dtype, rescale, invert, normalize, padding
        The fields of a `Recipe`.
    decoder : str or None
        Pinned beside the recipe: by `fastpix.open`, or by the call.
    color_range : (float, float) or None
        A field of a `Recipe`, too.

    Raises
    ------
    ArgumentError
        A recipe and keywords, or two different decoders are given.
    """
    if (
        isinstance(dtype, str) and dtype == _PLAIN.dtype
        and rescale is True
        and isinstance(invert, str) and invert == _PLAIN.invert
        and normalize is None and padding is None and color_range is None
    ):  # fmt: skip
        asked = _PLAIN  # as most calls have it
    else:
        asked = Recipe(
            dtype, rescale, invert, normalize, padding, color_range=color_range  # type: ignore[arg-type]
        )  # fmt: skip
    if recipe is not None:
        if not isinstance(recipe, Recipe):
            raise ArgumentError("recipe", f"a {type(recipe).__name__} is not a Recipe")
        if asked != _PLAIN:
            raise ArgumentError("recipe", "give a recipe or its keywords, not both")
        asked = recipe
    if decoder is None or asked.decoder == decoder:
        return asked
    if asked.decoder is not None:
        raise ArgumentError(
            "decoder", f"the recipe pins {asked.decoder!r}, open pinned {decoder!r}"
        )
    return replace(asked, decoder=checked_decoder(decoder))
