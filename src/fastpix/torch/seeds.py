"""Seeds that users give."""

from __future__ import annotations

from operator import index

from fastpix.errors import ArgumentError


def checked_seed(seed: int) -> int:
    """Return a seed as NumPy takes it: all numbers of 64 bits, with a sign or without, are good.

    Parameters
    ----------
    seed : int

    Raises
    ------
    ArgumentError
        It is no whole number of 64 bits.
    """
    try:
        number = index(seed)
    except TypeError as error:
        raise ArgumentError("seed", f"{seed!r} is no whole number") from error
    if not -(2**63) <= number < 2**64:
        raise ArgumentError("seed", f"{number} has more than 64 bits")
    return number % 2**64
