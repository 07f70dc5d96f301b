"""Labels on the grid of a volume: segmentations (SEG) and structure sets (RTSTRUCT) to masks.

In: a SEG or RTSTRUCT, and the `Volume` that it labels. Out: `Masks`, voxel for voxel those of the
volume; a label that does not fit is an error, and is never resampled. scikit-image, which fills
contours, is imported when it is needed. Stands on: errors, notes, source, header, image, series.
"""

from fastpix.interop.masks.label_masks import Masks
from fastpix.interop.masks.reading_masks import read_masks

__all__ = ["Masks", "read_masks"]
