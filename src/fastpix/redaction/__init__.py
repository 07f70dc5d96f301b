"""What is blanked in an image, as data: regions, and rules that say where they are.

In: rules written by a person, and what a header says of an image. Out: regions in pixels.
Stands on: errors.
"""

from fastpix.redaction.image_description import ImageDescription, description_of
from fastpix.redaction.redaction_rules import RedactionRule, RedactionRules, regions_of
from fastpix.redaction.redaction_settings import Redaction
from fastpix.redaction.region import Region, disjoint, in_image, outside
from fastpix.redaction.rules_file import SHIPPED, read_rules, rules_of_text
from fastpix.redaction.ultrasound_regions import ultrasound_regions

__all__ = [
    "SHIPPED",
    "ImageDescription",
    "Redaction",
    "RedactionRule",
    "RedactionRules",
    "Region",
    "description_of",
    "disjoint",
    "in_image",
    "outside",
    "read_rules",
    "regions_of",
    "rules_of_text",
    "ultrasound_regions",
]
