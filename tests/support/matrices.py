"""Cases that one test runs one after the other: pytest's work for a test is more than theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]


def every(names: str | Sequence[str], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test for every case, as ``pytest.mark.parametrize`` does, but all in one test.

    The first case that fails ends the test, and its error names it. Each case has a `monkeypatch`
    and a `tmp_path` of its own; other fixtures are shared. None may be skipped.
    """
    split = [names] if isinstance(names, str) else list(names)
    listed = [(case,) if isinstance(names, str) else tuple(case) for case in cases]
    assert listed, f"there are no cases of {names}"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def run(**fixtures: Any) -> None:
            for number, case in enumerate(listed):
                given = dict(zip(split, case, strict=True))
                with pytest.MonkeyPatch.context() as patch:
                    own = _own(fixtures, patch, number)
                    try:
                        test(**own, **given)
                    except pytest.skip.Exception as skipped:
                        raise AssertionError(f"{given} was skipped: {skipped}") from skipped
                    except BaseException as error:
                        error.add_note("with " + ", ".join(f"{k}={v!r}" for k, v in given.items()))
                        raise

        signature = inspect.signature(test)
        assert signature.parameters.keys() >= set(split), f"{test} does not take {names}"
        left = [taken for name, taken in signature.parameters.items() if name not in split]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate


def _own(fixtures: dict[str, Any], patch: pytest.MonkeyPatch, number: int) -> dict[str, Any]:
    """Return the fixtures of one case."""
    own = dict(fixtures)
    if "monkeypatch" in own:
        own["monkeypatch"] = patch
    if "tmp_path" in own:
        own["tmp_path"] = own["tmp_path"] / str(number)
        own["tmp_path"].mkdir()
    return own
