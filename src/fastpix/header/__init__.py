"""What a file says about its pixels, read by the rules of docs/headers.md.

In: bytes of a source, or a pydicom Dataset. Out: `Header`, every attribute settled, with its notes.
Knows nothing of what the caller wants. Stands on: errors, notes, standard, source.
"""
