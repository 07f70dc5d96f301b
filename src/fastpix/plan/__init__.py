"""Header x Recipe = Plan: every decision about pixels, as plain numbers and in words.

In: a `Header` and a `Recipe`. Out: a frozen `Plan`. No input or output, and no pixel is looked at.
Stands on: errors, notes, recipe, standard, kernel (for `Steps`), header.
"""
