"""What a cache looks up of each sample, in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastpix.job.packed_columns import PackedTerms, PackedTexts

if TYPE_CHECKING:
    import pyarrow


class SampleColumns:
    """Columns of a manifest that reading needs.

    Parameters
    ----------
    table : pyarrow.Table
    """

    def __init__(self, table: pyarrow.Table) -> None:
        def column(name: str) -> list[Any]:
            values: list[Any] = table.column(name).to_pylist()
            return values

        self.names = PackedTexts(column("name"))
        self.files: PackedTerms[str] = PackedTerms(column("file"))
        self.offsets = table.column("offset").to_numpy()
        self.lengths = table.column("length").to_numpy()
        self.checksums = table.column("checksum").to_numpy()
        self.shapes: PackedTerms[tuple[int, ...]] = PackedTerms(map(tuple, column("shape")))
        self.dtypes: PackedTerms[str] = PackedTerms(column("dtype"))
        self.steps: PackedTerms[str] = PackedTerms(column("steps"))
        self.units: PackedTerms[str] = PackedTerms(column("unit"))

    def where(self, place: int) -> dict[str, Any]:
        """Return what a format reads a sample by.

        Parameters
        ----------
        place : int
            Its number.
        """
        return {
            "name": self.names[place],
            "file": self.files[place],
            "offset": int(self.offsets[place]),
            "length": int(self.lengths[place]),
            "checksum": int(self.checksums[place]),
            "shape": self.shapes[place],
            "dtype": self.dtypes[place],
        }
