"""Fuzzes the index, led by its coverage, under AddressSanitizer and UBSan.

    python tests/header/fuzz_index.py FOLDER -max_total_time=3600

Needs atheris, clang and Cython. FOLDER keeps the compiled walk, and the inputs that reach new code;
what follows it is for libFuzzer. It ends at a crash, at a read beyond a part, where the parts of a
file decide what comes of it, and where the index serves a file otherwise than pydicom's route does.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zlib
from itertools import cycle
from pathlib import Path
from random import Random

SOURCE = Path(__file__).parents[2] / "src" / "_index.pyx"
SANITIZERS = ["-fsanitize=address,undefined,fuzzer-no-link", "-fsanitize-trap=undefined"]
SMALL = 1024  # bytes up to which a file is always read by both routes


def build(folder: Path) -> Path:
    """Compile the walk, with coverage and sanitizers."""
    folder.mkdir(parents=True, exist_ok=True)
    source, module = folder / "_index.c", folder / "_index.so"
    parts = [SOURCE, *SOURCE.parent.glob("index/*.pxi"), *SOURCE.parent.glob("*.px[di]")]
    changed = max(part.stat().st_mtime for part in parts)
    if not module.exists() or module.stat().st_mtime < changed:
        cython = ["cython", "-3", "--module-name", "fastpix._index", "-o", str(source), str(SOURCE)]
        subprocess.run([sys.executable, "-m", *cython], check=True)
        compiler = [os.environ.get("CC", "clang"), "-shared", "-fPIC", "-O1", "-g", *SANITIZERS]
        include = f"-I{sysconfig.get_path('include')}"
        command = [*compiler, include, f"-I{SOURCE.parent}", str(source), "-o", str(module)]
        subprocess.run(command, check=True)
    return module


def main(folder: Path, options: list[str]) -> None:
    """Start again with the sanitizers' library in front, and fuzz."""
    import atheris  # not among the requirements of the tests

    library = Path(atheris.path()) / "asan_with_fuzzer.so"
    if os.environ.get("LD_PRELOAD") != str(library):
        build(folder)
        settings = {
            "LD_PRELOAD": str(library),
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        }
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | settings)
    spec = importlib.util.spec_from_file_location("fastpix._index", build(folder))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["fastpix._index"] = module
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with atheris.instrument_imports(include=["fastpix"]):
        from support.index_and_pydicom import serves, walk_of
    from support.file_structures import encode, mutated, parse
    from support.seed_files import irregular_files, regular_files

    from fastpix.source.stored import Memory

    assert sys.modules["fastpix.header.index"].Walk is module.Walk
    seeds = [*regular_files(), *irregular_files()]
    inputs = folder / "inputs"
    if not inputs.exists():
        inputs.mkdir()
        for seed in seeds:
            data = encode(seed)
            (inputs / f"{zlib.crc32(data):08x}").write_bytes(data)

    def test(data: bytes) -> None:
        if not data:
            return
        # The preamble may hold anything: it says in which parts the file is walked.
        sizes = [1 + size * (1 + size % 7) for size in data[:16]]
        once = walk_of(data, cycle([len(data)]))
        assert walk_of(data, cycle(sizes)) == once
        if once[0] == 0 and (len(data) <= SMALL or zlib.crc32(data) % 8 == 0):
            serves(Memory(data))

    def mutate(data: bytes, longest: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < 0.5 or len(data) < 132:
            return bytes(atheris.Mutate(data, longest))
        result = mutated(parse(data), random, seeds)
        if random.random() < 0.1:
            result = random.randbytes(16) + result[16:]
        return result[:longest]

    atheris.Setup(["fuzz_index", str(inputs), *options], test, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
