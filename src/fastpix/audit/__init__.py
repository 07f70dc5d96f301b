"""What a new source of images is like, before anything is trained on it.

In: files of any kind, as a job takes them. Out: an `Audit`, the data model of ``audit.json``.
Stands on: errors, notes, standard, recipe, pseudonyms, sources, source, header, plan, frames,
image, series, job.
"""
