"""Samples of lossless JPEG that leave their precision: an encoder's arithmetic, or damage.

A sample is the sum, modulo 2**16, of a prediction from its neighbours and a coded difference
(T.81 H.1.2). Some encoders of ultrasound compute with samples of just the precision, in two's
complement or without a sign: their differences are right modulo 2**precision only, and so are the
samples that a decoder gets. Where such arithmetic is at work, most differences of large samples
are longer than they would have to be. A stream of wider samples, or one that is damaged, is not
like that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BY_CHANCE = 2  # how much longer differences of noise may come out by chance
_LINEAR = frozenset({1, 2, 3, 4})  # predictors without a division, which hold modulo any power


def within_precision(samples: NDArray[Any], precision: int, predictor: int) -> NDArray[Any]:
    """Return samples of lossless JPEG as integers of their precision.

    Parameters
    ----------
    samples : ndarray of unsigned integers
        As decoded, modulo the width of their dtype.
    precision, predictor : int
        Of the codestream.

    Raises
    ------
    ValueError
        Samples are wider than the codestream says they are: it is damaged.
    """
    highest = int(samples.max(initial=0))
    if not highest >> precision:
        return samples
    if not _is_modular(samples, precision, predictor):
        raise ValueError(f"a sample of {highest} where samples have {precision} bits")
    return _reduced(samples, precision)


def _reduced(samples: NDArray[Any], precision: int) -> NDArray[Any]:
    reduced: NDArray[Any] = samples & samples.dtype.type((1 << precision) - 1)
    return reduced


def _is_modular(samples: NDArray[Any], precision: int, predictor: int) -> bool:
    """Whether differences are those of arithmetic modulo 2**precision.

    None may be longer than such arithmetic allows. Those that differ from the differences of the
    reduced samples must be longer than these, which an encoder of wider samples would have coded.
    If samples are signed numbers of the precision, that is so in a picture; in noise, both are
    about as long.
    """
    if predictor not in _LINEAR:
        return False
    kind = f"i{samples.dtype.itemsize}"
    coded = _differences(samples, predictor).view(kind).astype(np.int64)
    if np.abs(coded).max(initial=0) >> precision:
        return False
    reduced = _differences(_reduced(samples, precision).astype(np.int64), predictor)
    differ = coded != reduced
    lengths, others = np.abs(coded[differ]).sum(), np.abs(reduced[differ]).sum()
    signs = samples.view(kind) >> (precision - 1)
    is_signed = signs.min() >= -1 and signs.max() <= 0
    return bool(others < lengths * (_BY_CHANCE if is_signed else 1))


def _differences(samples: NDArray[Any], predictor: int) -> NDArray[Any]:
    """Return samples less their predictions, without the first row or column (T.81 table H.1)."""
    if predictor == 1:
        return np.ascontiguousarray(samples[:, 1:] - samples[:, :-1])
    if predictor == 2:
        return np.ascontiguousarray(samples[1:] - samples[:-1])
    left, above, corner = samples[1:, :-1], samples[:-1, 1:], samples[:-1, :-1]
    prediction = corner if predictor == 3 else left + above - corner
    return np.ascontiguousarray(samples[1:, 1:] - prediction)
