"""`Cache`: what a job has converted, by name or number, in the very bits of `imread`."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.formats import format_named
from fastpix.job.formats.format_protocol import Format
from fastpix.job.formats.sample_bytes import check_length
from fastpix.job.label_file import labels_of
from fastpix.job.manifest_table import rows_taken
from fastpix.job.remaining import Remaining, interval_of, normalized, remaining_from
from fastpix.job.sample_columns import SampleColumns
from fastpix.job.settings import Settings
from fastpix.job.source_paths import default_paths_folder, read_paths
from fastpix.job.storage import is_url, storage_at
from fastpix.job.storage.storage_protocol import Storage
from fastpix.series.volume import Volume
from fastpix.source.lent_buffers import borrow, give_back

if TYPE_CHECKING:
    import pyarrow

_ALIGNED = 64  # bytes


class Cache:
    """The images or volumes that a job has converted; made by `fastpix.open_cache`.

    It can be pickled, and used by several threads and in forked processes.

    Attributes
    ----------
    destination : str
        The folder or URL.
    settings : Settings
        What it was made by.
    table : pyarrow.Table
        The manifest: a row for each sample, in the order of names.
    is_subset : bool
        Whether it was made by `subset`.
    """

    def __init__(
        self, destination: str, settings: Settings, table: pyarrow.Table, is_subset: bool = False
    ) -> None:
        self.destination = destination
        self.settings = settings
        self.table = table
        self.is_subset = is_subset
        self._storage = storage_at(destination)
        self._format = format_named(settings.format)

        self._columns = SampleColumns(table)
        self._array_in = getattr(self._format, "array_in", None)
        self._read_into = getattr(self._storage, "read_into", None) if self._array_in else None

    def __len__(self) -> int:
        return len(self._columns.names)

    def __repr__(self) -> str:
        what = "images" if self.settings.unit == "file" else "volumes"
        return f"<fastpix.Cache: {len(self)} {what}, {self.settings.format}>"

    def __getstate__(self) -> tuple[str, Settings, pyarrow.Table, bool]:
        return self.destination, self.settings, self.table, self.is_subset

    def __setstate__(self, state: tuple[str, Settings, pyarrow.Table, bool]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, key: int | str) -> NDArray[Any]:
        """Return the values of a sample, as `imread` or `read_series` give them.

        Parameters
        ----------
        key : int or str
            Number or name.

        Raises
        ------
        FastpixError
            The sample is damaged, or no longer what the manifest says.
        """
        return self.read(key)

    def read(
        self,
        key: int | str,
        out: NDArray[Any] | None = None,
        normalize: tuple[float, float] | None = None,
    ) -> NDArray[Any]:
        """Return the values of a sample.

        Parameters
        ----------
        key : int or str
            Number or name.
        out : ndarray, optional
            Filled and returned; C-contiguous, of the right shape and dtype.
        normalize : (float, float), optional
            Clip to this interval and map it to 0..1, as a recipe does; float values of a cache
            that is not normalized alone. Of ``npz`` and ``nifti``, it is the rounded values. Colour
            is left alone if the cache has a `color_range`, else it is an error.

        Returns
        -------
        ndarray
            ``(rows, columns)``, ``(frames, rows, columns)``, a volume as `Volume.array`, and colour
            with a last axis of 3.

        Raises
        ------
        FastpixError
            The sample is damaged, or no longer what the manifest says.
        """
        place = self.place(key)
        normalize = interval_of(normalize, self.is_color(place), self.settings.recipe)
        remaining = self.remaining(place, normalize)
        if out is not None:
            _check_out(out, self._columns.shapes[place], remaining.output)
        if self.holds_values and normalize is None:
            values = self._stored(place)
            if out is None:
                return values
            out[...] = values
            return out
        size = int(self._columns.lengths[place])
        if self._read_into is not None:
            buffer = borrow()
            try:
                if size <= len(buffer):
                    return remaining.values(self._lent(place, size, buffer), out)
            finally:
                give_back(buffer)
        return remaining.values(self._stored(place), out)

    def stored(self, key: int | str) -> NDArray[Any]:
        """Return what is stored of a sample: integers before any rescale (steps 1 to 3).

        Parameters
        ----------
        key : int or str
            Number or name.

        Returns
        -------
        ndarray
            In the smallest dtype that holds all planes; float data as the file has it; RGB.

        Raises
        ------
        ArgumentError
            The format holds values alone.
        FastpixError
            As for `read`.
        """
        if self.holds_values:
            raise ArgumentError("format", f"{self.settings.format} holds values: use read")
        return self._stored(self.place(key))

    def remaining(self, key: int | str, normalize: tuple[float, float] | None = None) -> Remaining:
        """Return the steps that make values of what is stored.

        Parameters
        ----------
        key : int or str
            Number or name.
        normalize : (float, float), optional
            Of normalized values: see `read`. Where values are stored, no other step remains.
        """
        place = self.place(key)
        steps = remaining_from(self._columns.steps[place])
        normalize = interval_of(normalize, self.is_color(place), self.settings.recipe)
        if normalize is None:
            return steps
        done, recipe = self.holds_values, self.settings.recipe
        if self.settings.gaps == "fill" and steps == Remaining(self._columns.dtypes[place]):
            # Values, of a volume with a gap: what the recipe asks for has been done.
            padding = None if recipe.padding is None else (0.0, 0.0, recipe.padding)
            done, steps = True, replace(steps, normalize=recipe.normalize, padding=padding)
        return normalized(steps, self.is_color(place), normalize, done)

    def row(self, key: int | str) -> dict[str, Any]:
        """Return the row of the manifest.

        Parameters
        ----------
        key : int or str
            Number or name.
        """
        found: dict[str, Any] = self.table.slice(self.place(key), 1).to_pylist()[0]
        return found

    def affine(self, key: int | str) -> NDArray[np.float64] | None:
        """Return ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS; None without a grid.

        Parameters
        ----------
        key : int or str
            Number or name.
        """
        numbers = self.table.column("affine")[self.place(key)].as_py()
        return None if numbers is None else np.array(numbers, np.float64).reshape(4, 4)

    def volume(self, key: int | str) -> Volume:
        """Return a sample as a volume in patient space: what `read_series` gave, but its sources.

        Parameters
        ----------
        key : int or str
            Number or name.
        """
        place = self.place(key)
        row = self.row(place)
        return Volume(
            array=self.read(place),
            affine=self.affine(place),
            axes=tuple((row["axes"] or "").split()),
            coords=json.loads(row["coords"] or "{}"),
            kind=row["grid"] or "no_geometry",
            unit=row["unit"] or "unspecified",
            modality=row["modality"] or "",
        )

    def verify(self, key: int | str) -> None:
        """Read what is stored of a sample, and hold it against its checksum.

        Parameters
        ----------
        key : int or str
            Number or name.

        Raises
        ------
        FastpixError
            It is damaged, or no longer what the manifest says.
        """
        self._format.read(self._storage, self.where(self.place(key)), verify=True)

    def subset(self, rows: Sequence[int] | NDArray[Any]) -> Cache:
        """Return a cache of some samples, in the order that they are given in.

        Parameters
        ----------
        rows : sequence of int or ndarray
            Row numbers, such as `fastpix.split` gives; or a flag for each row.
        """
        return Cache(self.destination, self.settings, rows_taken(self.table, rows), is_subset=True)

    @cached_property
    def labels(self) -> pyarrow.Table:
        """The columns that ``fastpix join`` has added, a row for each sample; null where none is.

        Raises
        ------
        FastpixError
            Nothing has been joined, or by another key.
        """
        return labels_of(self._storage, self.settings, self.table)

    @property
    def shards(self) -> list[str]:
        """The tar files that hold samples, as paths or URLs: what WebDataset takes."""
        files = sorted(set(self.table.column("file").to_pylist()))
        if is_url(self.destination):
            return [f"{self.destination.rstrip('/')}/{file}" for file in files]
        return [str(Path(self.destination) / file) for file in files]

    @cached_property
    def names(self) -> list[str]:
        """The names of samples, in their order."""
        return list(self._columns.names)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    @cached_property
    def locations(self) -> dict[str, str]:
        """Where sources are, by their names: of the format `index`, which keeps no copy."""
        return dict(read_paths(default_paths_folder(Path(self.destination))))

    @property
    def storage(self) -> Storage:
        """Where its files are."""
        return self._storage

    @property
    def format(self) -> Format:
        """How its samples are stored."""
        return self._format

    @property
    def holds_values(self) -> bool:
        """Whether it stores values, for which no step remains."""
        return self._format.holds == "values"

    def shape(self, key: int | str) -> tuple[int, ...]:
        """Return the shape of a sample.

        Parameters
        ----------
        key : int or str
            Number or name.
        """
        return self._columns.shapes[self.place(key)]

    def is_color(self, key: int | str) -> bool:
        """Whether the last axis of a sample is red, green and blue.

        Parameters
        ----------
        key : int or str
            Number or name.
        """
        return self._columns.units[self.place(key)] == "RGB"

    def place(self, key: int | str) -> int:
        """Return the number of a sample.

        Parameters
        ----------
        key : int or str
            Number, which may count from the end, or name.

        Raises
        ------
        FastpixError, IndexError
            There is no such sample.
        """
        if isinstance(key, str):
            try:
                return self._numbers[key]
            except KeyError:
                raise FastpixError(
                    f"the cache has no sample {key}: cache.names lists those that it has"
                ) from None
        number = operator.index(key)
        place = number + len(self) if number < 0 else number
        if not 0 <= place < len(self):
            raise IndexError(f"there is no sample {key}: the cache has {len(self)}, counted from 0")
        return place

    def where(self, place: int) -> dict[str, Any]:
        """Return what a format reads a sample by.

        Parameters
        ----------
        place : int
            Its number.
        """
        row = self._columns.where(place)
        if self.settings.format == "index":
            row = self.row(place) | row
            row["location"] = self.locations[self._columns.names[place]]
        return row

    def _stored(self, place: int) -> NDArray[Any]:
        return self._format.read(self._storage, self.where(place))

    def _lent(self, place: int, size: int, buffer: NDArray[np.uint8]) -> NDArray[Any]:
        """Read a sample into a buffer: no file is opened twice, and no memory is asked for."""
        assert self._read_into is not None
        assert self._array_in is not None
        data = buffer[:size].data
        try:
            file, offset = self._columns.files[place], int(self._columns.offsets[place])
            found = self._read_into(file, offset, data)
        except FileNotFoundError:  # a hidden shard, or none
            return self._stored(place)
        shape, dtype = self._columns.shapes[place], np.dtype(self._columns.dtypes[place])
        if found == size == math.prod(shape) * dtype.itemsize:
            return buffer[:size].view(dtype).reshape(shape)
        row = self.where(place)
        check_length(found, row)
        array: NDArray[Any] = self._array_in(data, row, buffer[size + -size % _ALIGNED :])
        return array


def _check_out(out: NDArray[Any], shape: Sequence[int], dtype: str) -> None:
    if out.shape != tuple(shape) or out.dtype != np.dtype(dtype) or not out.flags.c_contiguous:
        raise ArgumentError("out", f"it takes a C-contiguous array of {tuple(shape)} {dtype}")
