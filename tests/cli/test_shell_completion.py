"""Completion in a shell: what ``--install-completion`` installs, asked as bash, zsh and fish do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastpix.cli.commands import app

BIN = Path(sys.executable).parent
VARIABLE = "_FASTPIX_COMPLETE"
# As bash does at a tab: it calls the function that is registered for the command.
AT_A_TAB = """
offer() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _fastpix_completion fastpix
    echo ${COMPREPLY[@]}
}
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_what_it_has_installed(tmp_path: Path) -> None:
    script = f"""
fastpix --install-completion
source ~/.bashrc
complete -p fastpix
{AT_A_TAB}
offer fastpix convert --invert ''
offer fastpix deidentify --dat
offer fastpix convert src ''
"""
    env = os.environ | {"HOME": str(tmp_path), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stderr == ""
    installed, _, registered, *offered = done.stdout.splitlines()
    assert installed.startswith("bash completion installed in ")
    assert registered == "complete -o default -F _fastpix_completion fastpix"
    assert offered == ["max range none", "--dates", ""]  # nothing: bash goes on with files


def asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str, line: str
) -> str:
    """Return what a shell gets that asks for completions of a line."""
    monkeypatch.setenv(VARIABLE, what)
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    with pytest.raises(SystemExit) as ended:
        app([], prog_name="fastpix")
    assert not ended.value.code
    return capsys.readouterr().out


CASES = {
    "fastpix con": "convert",
    "fastpix convert a b --dtype ": "float32 float64 auto int16 uint16 uint8 int8 int32 uint32",
    "fastpix convert a b --decoder py": "pyjpegls pylibjpeg-libjpeg pylibjpeg-openjpeg "
    "pylibjpeg-rle python-gdcm",
    "fastpix convert a b --format ": "tar b2nd npz nifti png zarr index",
    "fastpix series a --format n": "nifti npz",
    "fastpix convert --redact-boxes 1 2 3 4 --inv": "--invert",
    "fastpix audit mark ID ": "accept invert exclude unseen",
    "fastpix audit --samp": "--samples",
    "fastpix deidentify a b --keep device,u": "device,uids",
}


@pytest.mark.parametrize("line", CASES)
def test_values_are_offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert asked(monkeypatch, capsys, "complete_bash", line).split() == CASES[line].split()


def test_zsh_and_fish_tell_what_values_mean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "fastpix convert --invert "
    zsh = asked(monkeypatch, capsys, "complete_zsh", line)
    assert '"range":"mirror in the range that the bits can hold"' in zsh
    assert "compdef _fastpix_completion fastpix" in asked(monkeypatch, capsys, "source_zsh", line)
    fish = asked(monkeypatch, capsys, "complete_fish", line)
    assert "none\tleave values as they are" in fish.splitlines()
    assert "complete --command fastpix" in asked(monkeypatch, capsys, "source_fish", line)
