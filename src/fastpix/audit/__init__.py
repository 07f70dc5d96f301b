"""A new source of images, looked at once before anything is trained on it.

In: files of one or more sources. Out: what speaks for and against each source: a person decides.
Stands on: errors, notes, standard, recipe, pseudonyms, processes, source, sources, header, plan,
frames, image, series, job, view.
"""
