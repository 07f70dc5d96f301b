"""`Redaction`: everything that is blanked without looking at pixels, as a run is told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastpix.errors import ArgumentError
from fastpix.redaction.image_description import ImageDescription
from fastpix.redaction.redaction_rules import RedactionRules, regions_of
from fastpix.redaction.region import Region, disjoint, in_image, outside


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is blanked in the images of a run.

    Attributes
    ----------
    rules : RedactionRules
    boxes : tuple of Region
        Blanked in every image.
    ultrasound_regions : bool
        Keep the regions of ultrasound alone, as the header has them.
    """

    rules: RedactionRules = RedactionRules()  # noqa: RUF009 (it is frozen)
    boxes: tuple[Region, ...] = ()
    ultrasound_regions: bool = False

    def __bool__(self) -> bool:
        return bool(self.rules.rules or self.boxes or self.ultrasound_regions)

    def blanked(
        self, description: ImageDescription, kept: tuple[Region, ...] | None = None
    ) -> tuple[Region, ...]:
        """Return what is blanked in an image: disjoint regions inside it.

        Parameters
        ----------
        description : ImageDescription
        kept : tuple of Region, optional
            The regions of ultrasound: all pixels outside of them are blanked.

        Raises
        ------
        ArgumentError
            A box of `boxes` lies outside of the image, where it blanks nothing.
        """
        rows, columns = description.rows, description.columns
        for box in self.boxes:
            if in_image(box, rows, columns) is None:
                raise ArgumentError(
                    "redact_boxes",
                    f"{list(box)} lies outside of an image of {columns} x {rows} pixels (columns x "
                    "rows), so it blanks nothing: give boxes for images of one size, or rules by "
                    "size (redact=)",
                    "a box lies outside of the image",
                )
        around = () if kept is None else outside(kept, rows, columns)
        by_rules = regions_of(self.rules, description)
        return disjoint((*by_rules, *self.boxes, *around), rows, columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the redaction as JSON can hold it; `from_dict` is the way back."""
        return {
            "rules": self.rules.to_list(),
            "boxes": list(map(list, self.boxes)),
            "ultrasound_regions": self.ultrasound_regions,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Redaction:
        """Return the redaction that `to_dict` has written."""
        boxes = tuple(Region(*box) for box in kept["boxes"])
        return cls(RedactionRules.from_list(kept["rules"]), boxes, kept["ultrasound_regions"])
