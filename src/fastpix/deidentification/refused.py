"""`RefusedError`: why there is no copy of an instance."""

from __future__ import annotations


class RefusedError(Exception):
    """An instance is not copied; the reason holds nothing of the patient."""
