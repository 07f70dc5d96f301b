"""Where a cache lies: a folder, or a prefix of an object store.

In: keys, bytes. Out: bytes, whole or not at all. Knows nothing of what they mean.
Stands on: errors.
"""
