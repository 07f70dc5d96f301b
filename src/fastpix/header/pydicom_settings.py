"""Whether pydicom is configured as it comes, asked without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def converts_as_it_comes() -> bool:
    """Whether pydicom converts values by its own functions, and keeps no log of what it reads."""
    loaded = _loaded or _load()
    return loaded is None or loaded.converts_as_it_comes()


def is_pydicom_as_it_comes() -> bool:
    """Whether neither settings nor hooks of pydicom say that elements be read in another way."""
    loaded = _loaded or _load()
    return loaded is None or (loaded.converts_as_it_comes() and loaded.reads_as_it_comes())


class _Pydicom:
    """The modules of pydicom that hold its settings, and its own functions for converting."""

    def __init__(self) -> None:
        from pydicom import config, hooks, uid

        self._config = config
        self._hooks = hooks.hooks
        self._uid = uid
        self._value: Callable[..., Any] = hooks.raw_element_value
        self._vr: Callable[..., Any] = hooks.raw_element_vr

    def converts_as_it_comes(self) -> bool:
        """See the function of this name."""
        config, hooks = self._config, self._hooks
        return (
            config.data_element_callback is None
            and hooks.raw_element_value is self._value
            and hooks.raw_element_vr is self._vr
            and not config.debugging
            and not self._uid.PrivateTransferSyntaxes
        )

    def reads_as_it_comes(self) -> bool:
        """Whether elements, once converted by pydicom's own functions, are read as by default."""
        config = self._config
        return (
            not self._hooks.raw_element_kwargs
            and config.settings.reading_validation_mode == config.WARN
            and config.settings.infer_sq_for_un_vr
            and config.replace_un_with_known_vr
            and config.assume_implicit_vr_switch
            and not config.convert_wrong_length_to_UN
            and not config.use_none_as_empty_text_VR_value
        )


_loaded: _Pydicom | None = None


def _load() -> _Pydicom | None:
    """Return pydicom's settings, or None as long as nothing has imported it, to configure it.

    The import of a module that another thread is importing waits until that is done.
    """
    global _loaded
    if "pydicom" in sys.modules:
        _loaded = _Pydicom()
    return _loaded
