"""The images of a batch as one tensor, without those that could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from fastpix.job.packed_columns import PackedTexts
from fastpix.runs.batch_places import Places
from fastpix.torch.batch_memory import BatchMemory
from fastpix.torch.skipping import Skipped
from fastpix.torch.tensors import channels_first, for_main_process


class Kept(NamedTuple):
    """What a batch has in the end.

    Attributes
    ----------
    places : list of int
        Those of the images that were read.
    images : Tensor
        ``(N, channels, …, rows, columns)``.
    """

    places: list[int]
    images: torch.Tensor


class BatchImages:
    """Memory for the images of a batch, which the processes of a DataLoader share.

    Parameters
    ----------
    rows : sequence of int
        The sources of the images, by number.
    size : (int, int) or None
        Rows and columns that they are fitted to.
    fill : float
        What surrounds smaller ones.

    Attributes
    ----------
    places : Places
    """

    def __init__(self, rows: Sequence[int], size: tuple[int, int] | None, fill: float) -> None:
        self._rows = rows
        self._memory = BatchMemory()
        self.places = Places(len(rows), size, fill, None, self._memory.empty)

    def finish(
        self,
        errors: Mapping[int, Exception],
        names: PackedTexts,
        skipped: Skipped | None,
        remedy: str = "",
    ) -> Kept | None:
        """Return the images that were read; None if there are none.

        Parameters
        ----------
        errors : mapping of int to Exception
            Why images could not be read, by their places.
        names : PackedTexts
            Of all sources.
        skipped : Skipped or None
            Counts those that could not be read, or do not fit; None: they are errors.
        remedy : str
            For images that do not fit, in place of the usual one.

        Raises
        ------
        Exception
            The first error, or one that names all images which do not fit.
        """
        for place in sorted(errors):
            if skipped is None:
                raise for_main_process(errors[place]) from errors[place]
            skipped.add(self._rows[place])
        of_batch = [names[row] for row in self._rows]
        if skipped is None:
            self.places.check_all_fit(of_batch, remedy)
        misfits = self.places.misfits(of_batch)
        for place in misfits:
            assert skipped is not None
            skipped.add(self._rows[place])
        left = [k for k in range(len(self._rows)) if k not in errors and k not in misfits]
        if not left:
            return None
        whole = self._memory.tensor(self.places.result.shape)
        images = channels_first(whole, self.places.is_color)
        return Kept(left, images if len(left) == len(self._rows) else images[left])
