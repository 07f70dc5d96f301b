"""Where bytes come from: a path, bytes, a binary file, a pydicom Dataset.

In: whatever a caller passes as `source`. Out: `Memory` or `File`, whose bytes are read on demand.
Stands on: errors.
"""
