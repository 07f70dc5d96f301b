"""fastpix under other libraries: pydicom's plugin and pixel functions, MONAI's reader, exporters.

In: the calls of another library, or a `Volume`. Out: what that library would return, or takes; and
masks of what other programs drew on the images of a volume.
Stands on: image, series, loaders and the stages before them.
"""
