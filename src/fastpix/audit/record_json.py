"""An `Audit` to strict JSON and back: no NaN, and always in the same order."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from fastpix.audit.record import VERSION, Audit
from fastpix.errors import FastpixError

T = TypeVar("T")


def to_json(audit: Audit) -> str:
    """Return an audit as the text of ``audit.json``.

    Attributes stand in the order of the data model; numbers that are not finite are null.

    Parameters
    ----------
    audit : Audit
    """
    return json.dumps(_plain(audit), allow_nan=False, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str | bytes) -> Audit:
    """Return the audit that a text of `to_json` holds.

    Attributes that are unknown are left out, so that a later writer may add some.

    Parameters
    ----------
    text : str or bytes

    Raises
    ------
    FastpixError
        It is no audit, or one of another version.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:  # not in UTF-8, too
        raise _no_audit("it is no JSON") from error
    if not isinstance(found, dict) or "version" not in found:
        raise _no_audit("it has no version")
    if found["version"] != VERSION:
        raise _no_audit(f"its version is not {VERSION}: make the audit again")
    try:
        return _built(Audit, found)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_audit("an attribute is missing, or is of another type") from error


def _no_audit(reason: str) -> FastpixError:
    return FastpixError(f"this is no audit.json of fastpix audit: {reason}")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@cache
def _types_of(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _built(kind: type[T], found: Any) -> T:
    if not isinstance(found, dict):
        raise TypeError
    types_ = _types_of(kind)  # type: ignore[arg-type]
    return kind(**{name: _value(types_[name], each) for name, each in found.items()
                   if name in types_})  # fmt: skip


def _value(kind: Any, found: Any) -> Any:
    """Return a value of JSON as the type that the data model says."""
    if dataclasses.is_dataclass(kind):
        return _built(kind, found)  # type: ignore[arg-type]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if found is None:
            return None
        return _value(next(each for each in inner if each is not type(None)), found)
    if origin is Literal:
        if found not in inner:
            raise ValueError(found)
        return found
    if origin is tuple:
        if not isinstance(found, list):
            raise TypeError
        return tuple(_value(inner[0], each) for each in found)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(found, dict):
            raise TypeError
        return {name: _value(inner[1], each) for name, each in found.items()}
    if kind is float:
        if isinstance(found, bool) or not isinstance(found, (int, float, type(None))):
            raise TypeError
        return math.nan if found is None else float(found)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise TypeError
    return found
