"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# The gate runs the same examples every time; elsewhere each run tries new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
