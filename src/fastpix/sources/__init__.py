"""Which device made an image, and what a person has decided about that device.

In: the header of an instance, and ``sources.toml``. Out: the id of a source, and its verdict.
Stands on: errors, pseudonyms, standard, header.
"""
