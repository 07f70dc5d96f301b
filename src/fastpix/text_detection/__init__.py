"""Where text may be burned into an image; what it says is never read.

In: an array. Out: boxes, none of which is proof, and whose absence is none either.
Stands on: errors.
"""

from fastpix.text_detection.detecting import TextDetector, detector_here
from fastpix.text_detection.text_box import TextBox, merged

__all__ = ["TextBox", "TextDetector", "detector_here", "merged"]
