"""imread_many beside other calls, in several threads, and under audit hooks."""

from __future__ import annotations

import random
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from support.builders import (
    element,
    file_of,
    image_elements,
)
from support.many_files import assert_same, slice_of, went_alike, with_byte, write_series
from support.scripts import run_script

import fastpix
from fastpix.kernel.registry import kernel_name

pytestmark = pytest.mark.usefixtures("no_threads_left")

# Uses of other calls beside it


def test_several_at_once(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 90)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    readers = [fastpix.imread_many(paths[k:], threads=2) for k in range(6)]
    for n in range(84):
        for k, reader in enumerate(readers):
            assert next(reader).tobytes() == wanted[k + n]
    for reader in readers:
        reader.close()  # type: ignore[attr-defined]


def test_imread_in_the_loop(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 90)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    for k, array in enumerate(fastpix.imread_many(paths, threads=2)):
        assert fastpix.imread(paths[-k]).tobytes() == wanted[-k]
        if k % 30 == 0:
            nested = fastpix.imread_many(paths[k : k + 20], threads=2)
            assert [a.tobytes() for a in nested] == wanted[k : k + 20]
        assert array.tobytes() == wanted[k]


def test_imread_where_a_warning_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that reads other files does not disturb the one that is being read."""
    odd = [tmp_path / f"odd{k}" for k in range(6)]
    for k, path in enumerate(odd):
        path.write_bytes(slice_of(50 + k, RescaleSlope="0"))
    paths = write_series(tmp_path, 10)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    shown: list[bool] = []

    def show(*arguments: Any) -> None:
        k = len(shown) % 10
        shown.append(fastpix.imread(paths[k]).tobytes() == wanted[k])
        shown.append(fastpix.imread(paths[3]).tobytes() == wanted[3])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [fastpix.imread(path).tobytes() for path in odd]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        assert [fastpix.imread(path).tobytes() for path in odd] == expected
        for threads in (1, 2):
            found = fastpix.imread_many(odd, threads=threads)
            assert [array.tobytes() for array in found] == expected
    assert len(shown) == 6 * 2 * 3
    assert all(shown)


def test_taken_by_several_threads(tmp_path: Path) -> None:
    """One at a time, under a lock of theirs."""
    paths = write_series(tmp_path, 90)
    wanted = sorted(fastpix.imread(path).tobytes() for path in paths)
    reader, lock, found = fastpix.imread_many(paths, threads=2), threading.Lock(), []

    def take() -> None:
        while True:
            with lock:
                array = next(reader, None)
            if array is None:
                return
            found.append(array.tobytes())

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(found) == wanted


# Audit hooks


AUDITED = """
import sys, fastpix
opened, refused = [], sys.argv[11]
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".dcm"):
        opened.append(str(arguments[0]))
        if arguments[0] == refused:
            raise PermissionError("not this one")
sys.addaudithook(hook)
paths = sys.argv[1:]
for threads in (1, 2):
    opened.clear()
    outcomes = list(fastpix.imread_many(paths, threads=threads, on_error="yield"))
    assert set(opened) == set(paths)
    assert [k for k, x in enumerate(outcomes) if isinstance(x, Exception)] == [10], outcomes
    assert str(outcomes[10]) == "not this one"
print("end")
"""


def test_audit_hooks_see_each_file_and_may_refuse_it(tmp_path: Path) -> None:
    assert run_script(AUDITED, *write_series(tmp_path, 30)) == "end\n"


def test_the_alike_are_only_taken_for_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that are the same bytes but for their lengths, order or VR are not alike."""
    pixels = element(0x7FE00010, "OW", bytes(range(12)))
    plain = file_of(*image_elements(), pixels)
    variants = [
        plain,
        file_of(*image_elements(), element(0x7FE00010, "OW", bytes(range(14)))),
        file_of(*image_elements(rows=3, columns=2), pixels),
        file_of(*image_elements(extra=[element(0x00281052, "DS", b"5 "),
                                       element(0x00281053, "DS", b"1 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00281052, "DS", b"1 "),
                                       element(0x00281053, "DS", b"5 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00281053, "DS", b"5 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00280103, "US", b"\1\0")]), pixels),
        file_of(*image_elements(extra=[element(0x00280120, "US", b"\1\0")]), pixels),
        file_of(*image_elements(extra=[element(0x00280008, "IS", b"1")]), pixels),
        with_byte(plain, len(plain) - 1, 9),
    ]  # fmt: skip
    paths = [tmp_path / str(k) for k in range(len(variants))]
    for path, data in zip(paths, variants, strict=True):
        path.write_bytes(data)
    order = random.Random(5)
    sources = [path for _ in range(150) for path in [order.choice(paths)] * order.randrange(1, 6)]
    runs = went_alike(monkeypatch)
    assert_same(sources)
    assert_same(sources, dtype="auto", padding=-1.0)
    if kernel_name() != "numpy":
        assert sum(runs) > 50
