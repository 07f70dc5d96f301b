"""The script that a user would write around dentdeid, in a pool of processes: no audit, no resume.

python benchmarks/deidentifying_script.py SRC DST WORKERS
"""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pydicom


def copy(path: Path, dst: Path) -> bool:
    from dentdeid.dicom.meta import MetaConfig, deidentify_dataset
    from dentdeid.keys import Pseudonymizer

    try:
        dataset = pydicom.dcmread(path)
        deidentify_dataset(dataset, MetaConfig(), Pseudonymizer(b"k" * 32))
        name = hashlib.sha256(str(path).encode()).hexdigest()[:32]
        dataset.save_as(dst / f"{name}.dcm", enforce_file_format=True)
    except Exception:
        return False
    return True


def main() -> None:
    src, dst, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    dst.mkdir(parents=True)
    files = [path for path in src.rglob("*") if path.is_file()]
    with ProcessPoolExecutor(workers) as pool:
        done = sum(pool.map(partial(copy, dst=dst), files, chunksize=16))
    print(f"{done} of {len(files)} copied")


if __name__ == "__main__":
    main()
