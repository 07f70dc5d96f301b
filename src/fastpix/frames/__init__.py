"""Where each frame is, what its codestream says of itself, and its cells.

In: a `Header` and the pixel data. Out: the cells of one frame after the other.
Stands on: errors, notes, standard, source, header, plan.
"""
