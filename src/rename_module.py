"""Rename a module in its C text: python rename_module.py OLD NEW SOURCE TARGET."""

import re
import sys
from pathlib import Path

old, new, source, target = sys.argv[1:]
text = Path(source).read_text(encoding="utf-8")
# The function that Python calls, the name under which the module is known, and those in tracebacks.
named = rf'\bPyInit_{old}\b|"{old}"|"fastpix\.{old}\b'
Path(target).write_text(
    re.sub(named, lambda match: match[0].replace(old, new), text), encoding="utf-8"
)
