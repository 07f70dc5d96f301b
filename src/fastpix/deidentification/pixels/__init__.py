"""What is blanked in the pixels of a copy, and nothing else.

In: an `Instance` and regions. Out: `RedactedPixels`, the new value of its pixel data element.
"""

from fastpix.deidentification.pixels.redacting import RedactedPixels, redacted_pixels

__all__ = ["RedactedPixels", "redacted_pixels"]
