"""Two builds in pairs: what counts as a loss, the turns, and a whole run of one build twice."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from support.sizes import in_the_gate

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import paired_builds
import two_commits
from paired_builds import Build, Times, finding_of, take_pairs


def times_of(ratio: float, noise: float, starts: int = 6, pairs: int = 40) -> Times:
    """Return pairs of a build that costs so much, each time off by some noise."""
    random = np.random.default_rng(1)
    first = 1e5 * random.lognormal(0, 0.3, (starts, pairs))  # the machine's own ups and downs
    second = first * ratio * random.lognormal(0, noise, (starts, pairs))
    return Times(list(np.stack([first, second], axis=-1)))


def test_a_loss_is_told_from_noise() -> None:
    lost = finding_of("a", times_of(1.08, 0.02))
    assert lost.is_loss
    assert lost.low < lost.ratio < lost.high
    assert lost.ratio == pytest.approx(1.08, abs=0.01)
    assert not finding_of("a", times_of(1.0, 0.02)).is_loss
    assert not finding_of("a", times_of(1.04, 0.005)).is_loss  # sure, and too little
    unsure = finding_of("a", times_of(1.08, 0.8))
    assert unsure.low < 1.05 < unsure.high
    assert not unsure.is_loss
    assert finding_of("a", times_of(0.9, 0.02)).is_gain
    assert lost.pairs == 240


def test_one_start_of_several_is_not_enough() -> None:
    """Where arrays lie makes all pairs of a start slow: pairs alone would look sure."""
    starts = times_of(1.0, 0.01).starts
    slow = [starts[0] * [1, 1.2], starts[1] * [1, 1.2], starts[2] * [1, 1.2], *starts[3:]]
    assert not finding_of("a", Times(slow)).is_loss


def test_starts_of_other_lengths_are_compared() -> None:
    starts = times_of(1.2, 0.02).starts
    assert finding_of("a", Times([starts[0][:11], *starts[1:]])).pairs == 66


class Counted:
    """A build that says when it is asked."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    def time(self, _name: str, _repeats: int) -> float:
        self.seen.append(self.name)
        return 1e6


def test_turns_are_a_b_b_a() -> None:
    seen: list[str] = []
    pairs = take_pairs(Counted("a", seen), Counted("b", seen), "x", 0.0)
    assert len(pairs) == paired_builds.LEAST_PAIRS
    assert "".join(seen[2:10]) == "abbaabba"


def test_what_else_differs_is_said() -> None:
    a = Build(sys.stdout, sys.stdin, [], {"batch": "AttributeError: none"}, {"numpy": "2.0"})
    b = a._replace(left_out={}, versions={"numpy": "2.1", "fastpix": "3"})
    found = two_commits.differences(a, b)
    assert found[0] == "OLD does not run the cases of batch: AttributeError: none"
    assert found[1] == "OLD has numpy 2.0, NEW 2.1"
    assert two_commits.differences(a._replace(left_out={}), a._replace(left_out={})) == []


@in_the_gate
@pytest.mark.skipif(os.name == "nt", reason="the second build is a script of the shell")
def test_a_build_that_is_slower_is_a_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way, with processes: the second build does the work of `dcmread` twice."""
    (tmp_path / "sitecustomize.py").write_text(
        "import fastpix\n"
        "real = fastpix.dcmread\n"
        "fastpix.dcmread = lambda *a, **k: (real(*a, **k), real(*a, **k))\n"
    )
    slow = tmp_path / "python"
    slow.write_text(f"#!/bin/sh\nPYTHONPATH='{tmp_path}' exec '{sys.executable}' \"$@\"\n")
    slow.chmod(0o755)
    arguments = ["--quick", "--only", "header", "dcmread", "--json", str(tmp_path / "found.json")]
    assert two_commits.main([sys.executable, str(slow), *arguments]) == 1
    found = json.loads((tmp_path / "found.json").read_text())
    assert [each["case"].partition(":")[0] for each in found["findings"]] == ["header", "dcmread"]
    for each in found["findings"]:
        assert 0 < each["low"] <= each["ratio"] <= each["high"]
        assert each["pairs"] >= 2 * paired_builds.LEAST_PAIRS
    assert "dcmread: MR, 64 x 64" in found["losses"]
    loss = next(each for each in found["findings"] if each["case"].startswith("dcmread"))
    assert 1.5 < loss["low"] <= loss["ratio"] <= loss["high"] < 3
    assert "are slower by more than 5 %: dcmread: MR, 64 x 64" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_commit_that_is_not_there_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert two_commits.main(["no-such-commit", "HEAD"]) == 2
    assert "git rev-parse --verify 'no-such-commit^{commit}'" in capfd.readouterr().out
