"""Whether an object is one of pydicom's, asked without importing pydicom.

Nothing is an instance of a class as long as the module that defines the class is not imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from typing_extensions import TypeIs


def is_dataset(value: object) -> TypeIs[Dataset]:
    """Whether a value is a `pydicom.Dataset`."""
    return _is_instance(value, "pydicom.dataset", "Dataset")


def is_multi_value(value: object) -> bool:
    """Whether a value is the list in which pydicom holds the values of an element."""
    return _is_instance(value, "pydicom.multival", "MultiValue")


def _is_instance(value: object, module: str, name: str) -> bool:
    # The class is missing while another thread imports the module.
    kind: Any = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)
