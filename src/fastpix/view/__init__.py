"""Pictures for people: the only place where a window is applied.

In come an `Image`, a `Volume` or a sample of a cache; out goes an array of uint8, as a PNG, for a
terminal, or in HTML for a notebook. Nothing is written but where the caller says. This package
stands on image, series, interop and job (`open_cache`, and the summary of a job).
"""
