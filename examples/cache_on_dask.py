"""Make a cache on a Dask cluster, and read it by number and as a stream.

    python examples/cache_on_dask.py

Needs ``pip install 'fastpix[dask,torch]'``. The cluster is two processes of this machine; on a real
one, ``Client("tcp://scheduler:8786")`` is all that changes, or in the shell
``fastpix convert SRC DST --executor dask:tcp://scheduler:8786``.

The steps: workers convert a folder into tar shards, and commit these by themselves; the same call
again finds nothing to do; `CacheDataset` reads any image by its number; `ShardDataset` streams the
shards, which suits object storage. Both give the very values of `fastpix.imread`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster
from made_data import chest_slices, make_patients, write, write_known_key
from running import run_example

import fastpix
from fastpix.torch import CacheDataset, Loader, ShardDataset

PATIENTS = 12


def make_study(out: Path) -> Path:
    """Write 20 slices of each patient."""
    for patient in make_patients(PATIENTS):
        depths = [8.0 * number - 76 for number in range(20)]
        write(out / "dicom" / patient.patient_id, chest_slices(patient, depths, size=128))
    return out / "dicom"


def convert_on_cluster(dicom: Path, cache: Path) -> None:
    """Convert twice: what is there already is not opened again."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        print(f"a cluster of {len(client.scheduler_info()['workers'])} processes")
        for attempt in ("first", "second"):
            begin = time.perf_counter()
            summary = fastpix.convert(dicom, cache, executor=client)
            print(
                f"{attempt} run: {summary.converted} converted, {summary.present} already there, "
                f"{time.perf_counter() - begin:.1f} s"
            )
            assert summary.failed == 0
            assert summary.converted == (PATIENTS * 20 if attempt == "first" else 0)


def check_by_number(cache: fastpix.Cache) -> None:
    """Hold every image of the cache against the file that it was made of."""
    dataset = CacheDataset(cache)
    seen = 0
    for batch in Loader(dataset, 32, num_workers=2):
        for name, image in zip(batch["name"], batch["image"], strict=True):
            original = fastpix.imread(cache.locations[name])  # known to the owner of the cache
            assert np.array_equal(image[0].numpy(), original)
            seen += 1
    assert seen == len(dataset) == PATIENTS * 20
    print(f"CacheDataset: {seen} images, equal to imread")


def check_stream(cache: fastpix.Cache) -> None:
    """Stream two epochs: each has all images once, in another order, in the values of the cache."""
    dataset = ShardDataset(cache, batch_size=32, seed=2)
    loader = Loader(dataset, batch_size=None, num_workers=2)
    orders = []
    for epoch in range(2):
        order: list[int] = []
        for batch in loader:
            order += batch["index"].tolist()
            assert np.array_equal(batch["image"][0, 0].numpy(), cache[batch["name"][0]])
        assert sorted(order) == list(range(len(cache)))
        print(f"ShardDataset, epoch {epoch}: {len(order)} images, beginning with {order[:6]}")
        orders.append(order)
    assert orders[0] != orders[1]


def main(out: Path) -> None:
    """Make files, a cache of them, and read it both ways."""
    dicom = make_study(out)
    write_known_key(out / "cache")
    convert_on_cluster(dicom, out / "cache")
    cache = fastpix.open_cache(out / "cache")
    print(f"{len(cache)} images in {len(cache.shards)} shards")
    check_by_number(cache)
    check_stream(cache)


if __name__ == "__main__":  # workers of Dask import this file
    run_example(main, __doc__)
