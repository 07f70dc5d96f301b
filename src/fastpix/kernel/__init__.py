"""Cells to values, in NumPy (`reference`) and compiled (`src/_fastpix.pyx`), chosen by name.

In: cells, an output array and `Steps`, which are plain numbers. Out: the array, filled.
Knows no DICOM. Stands on: errors.
"""
