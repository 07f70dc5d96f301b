"""Private elements of vendors that are read: whose block holds them, and where (PS3.5 7.8.1)."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class PrivateElement(NamedTuple):
    """An element of a private block.

    Attributes
    ----------
    group : int
    element : int
        The low byte of the element number; the high byte is the number of the block.
    creator : str
        What Private Creator of the block holds.
    vr : str
        What the vendor's conformance statement says, for files that do not say.
    manufacturer : str
        How Manufacturer begins, in upper case.
    """

    group: int
    element: int
    creator: str
    vr: str
    manufacturer: str

    def tag(self, block: int) -> int:
        """Return the tag in a block, which has a number from 0x10 on."""
        return self.group << 16 | block << 8 | self.element


class Private(PrivateElement, Enum):
    """Private elements, by what they hold; in ascending order."""

    SIEMENS_B_VALUE = 0x0019, 0x0C, "SIEMENS MR HEADER", "IS", "SIEMENS"
    SIEMENS_GRADIENT = 0x0019, 0x0E, "SIEMENS MR HEADER", "FD", "SIEMENS"
    GE_GRADIENT_X = 0x0019, 0xBB, "GEMS_ACQU_01", "DS", "GE"
    GE_GRADIENT_Y = 0x0019, 0xBC, "GEMS_ACQU_01", "DS", "GE"
    GE_GRADIENT_Z = 0x0019, 0xBD, "GEMS_ACQU_01", "DS", "GE"
    GE_COMPONENT = 0x0043, 0x2F, "GEMS_PARM_01", "SS", "GE"
    GE_IMAGE_TYPE = 0x0043, 0x30, "GEMS_PARM_01", "SS", "GE"
    GE_B_VALUE = 0x0043, 0x39, "GEMS_PARM_01", "IS", "GE"
    UIH_B_VALUE = 0x0065, 0x09, "Image Private Header", "FD", "UIH"
    UIH_GRADIENT = 0x0065, 0x37, "Image Private Header", "FD", "UIH"
    UIH_GRID_IMAGES = 0x0065, 0x50, "Image Private Header", "DS", "UIH"
    PHILIPS_B_VALUE = 0x2001, 0x03, "Philips Imaging DD 001", "FL", "PHILIPS"
    PHILIPS_GRADIENT_X = 0x2005, 0xB0, "Philips MR Imaging DD 001", "FL", "PHILIPS"
    PHILIPS_GRADIENT_Y = 0x2005, 0xB1, "Philips MR Imaging DD 001", "FL", "PHILIPS"
    PHILIPS_GRADIENT_Z = 0x2005, 0xB2, "Philips MR Imaging DD 001", "FL", "PHILIPS"
