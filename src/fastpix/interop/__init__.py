"""fastpix under code that exists: pydicom's plugin and pixel functions, MONAI's reader.

In: the calls of another library. Out: what that library would return.
Stands on: image, loaders and the stages before them.
"""
