"""What is wrong with the arguments of `convert`, and what is not installed, before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastpix.errors import ArgumentError
from fastpix.frames.codecs import check_pin_is_installed
from fastpix.recipe import Recipe
from fastpix.series.interpolation import check_scipy


def check_arguments(
    workers: int, shard: tuple[int, int] | None, timeout: float, max_bytes: int, recipe: object
) -> None:
    """Refuse arguments that are no settings of the cache.

    Parameters
    ----------
    workers, shard, timeout, max_bytes, recipe
        Of `convert`.

    Raises
    ------
    ArgumentError
    """
    check_run_arguments(workers, shard, timeout, max_bytes)
    if not isinstance(recipe, Recipe):
        raise ArgumentError("recipe", f"a {type(recipe).__name__} is not a Recipe")
    check_pin_is_installed(recipe.decoder)


def check_run_arguments(
    workers: int, shard: tuple[int, int] | None, timeout: float, max_bytes: int
) -> None:
    """Refuse what no run can be made by, of whatever job.

    Parameters
    ----------
    workers, shard, timeout, max_bytes
        Of `convert`, or of another job.

    Raises
    ------
    ArgumentError
    """
    if workers < 1:
        raise ArgumentError("workers", f"{workers} is less than 1")
    if shard is not None and not 0 <= shard[0] < shard[1]:
        raise ArgumentError("shard", f"{shard} is not i of n, from 0")
    if not timeout > 0:
        raise ArgumentError("timeout", f"{timeout} is not a positive number of seconds")
    if max_bytes < 1:
        raise ArgumentError("max_bytes", f"{max_bytes} is not a positive number of bytes")


def import_libraries(settings: Mapping[str, Any]) -> None:
    """Import what each file would need, so that a missing library is one error.

    Parameters
    ----------
    settings : mapping
        Of the cache.

    Raises
    ------
    ImportError
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "a cache needs pyarrow, for its manifest: pip install 'fastpix[job]'"
        ) from error
    if settings["spacing"] is not None and settings["order"] != 0:
        check_scipy()
