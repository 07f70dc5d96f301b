"""Python code in a process of its own."""

from __future__ import annotations

import subprocess
import sys


def run_script(script: str, *arguments: object, timeout: float = 120) -> str:
    """Run Python code in a process of its own, all its warnings shown; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", script,
         *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
