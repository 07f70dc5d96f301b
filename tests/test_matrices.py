"""`support.matrices`: every case runs, and the one that fails is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.matrices import every


def test_every_case_runs_with_fixtures_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Patched:
        left = 0

    seen = []

    @every("letter", "ab")
    @every(("one", "two"), [(1, 2), (3, 4)])
    def case(
        letter: str, one: int, two: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not [*tmp_path.iterdir()]
        (tmp_path / "file").touch()
        assert Patched.left == 0
        monkeypatch.setattr(Patched, "left", 1)
        seen.append((letter, one, two))

    case(tmp_path=tmp_path, monkeypatch=monkeypatch)
    assert seen == [("a", 1, 2), ("a", 3, 4), ("b", 1, 2), ("b", 3, 4)]
    assert Patched.left == 0


def test_a_failure_names_its_case() -> None:
    @every("letter", "ab")
    @every(("one", "two"), [(1, 2), (3, 4)])
    def case(letter: str, one: int, two: int) -> None:
        assert (letter, one) != ("b", 3)

    with pytest.raises(AssertionError) as caught:
        case()
    assert caught.value.__notes__ == ["with one=3, two=4", "with letter='b'"]


def test_no_case_is_skipped_and_there_is_one() -> None:
    def skipped(letter: str) -> None:
        pytest.skip("not here")

    with pytest.raises(AssertionError, match=r"'letter': 'a'.* was skipped: not here"):
        every("letter", "a")(skipped)()
    with pytest.raises(AssertionError, match="no cases of letter"):
        every("letter", "")

    def other(number: Any) -> None: ...

    with pytest.raises(AssertionError, match="does not take letter"):
        every("letter", "a")(other)
