"""Datasets for PyTorch over DICOM files and over caches: a batch is read by one call.

In: files, a list of `fastpix scan`, or a cache. Out: dictionaries of tensors, for a DataLoader.
Stands on: job, series, runs and the stages before them. Needs the extra ``torch``.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError("fastpix.torch needs torch: pip install 'fastpix[torch]'") from error

from fastpix.torch.cache_dataset import CacheDataset
from fastpix.torch.collating import collate
from fastpix.torch.dicom_dataset import DicomDataset
from fastpix.torch.loading import Loader
from fastpix.torch.meta_tensors import as_meta_tensor
from fastpix.torch.shard_dataset import ShardDataset
from fastpix.torch.torchio_reader import torchio_reader
from fastpix.torch.volume_dataset import VolumeDataset

__all__ = [
    "CacheDataset",
    "DicomDataset",
    "Loader",
    "ShardDataset",
    "VolumeDataset",
    "as_meta_tensor",
    "collate",
    "torchio_reader",
]
