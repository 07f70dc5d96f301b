"""The preprocessing job: a folder of DICOM files to a cache to train from, free of patient data.

In: folders and files, a `Recipe`, a key. Out: arrays, sidecars, a log of failures, a `Summary`.
Stands on: image and the stages before it.
"""
