"""Volumes for other libraries: nibabel, SimpleITK, MONAI, highdicom, and files.

In: a `Volume`. Out: the image of another library, or a file. The library is imported when it is
needed. `Volume` has a method for each function here, and asks for this package by its name.
Stands on: errors and series.
"""

from fastpix.interop.volume_export.highdicom_volume import to_highdicom
from fastpix.interop.volume_export.monai_tensor import to_monai
from fastpix.interop.volume_export.nibabel_image import to_nibabel
from fastpix.interop.volume_export.simpleitk_image import to_simpleitk
from fastpix.interop.volume_export.volume_files import save

__all__ = ["save", "to_highdicom", "to_monai", "to_nibabel", "to_simpleitk"]
