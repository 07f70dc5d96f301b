"""`Image`: one DICOM instance, opened; frames chosen, decoded by threads, scaled into an array.

In: a source and a `Recipe`. Out: arrays.
Stands on: all stages before it: source, header, plan, frames, kernel.
"""
