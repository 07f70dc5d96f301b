"""Datasets in MONAI, TorchIO and Lightning, as these libraries are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.jobs import Folders
from support.libraries import library
from support.many_files import write_series
from support.training import write_volumes

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe  # noqa: E402
from fastpix.errors import FastpixError  # noqa: E402
from fastpix.torch import (  # noqa: E402
    CacheDataset,
    DicomDataset,
    Loader,
    VolumeDataset,
    torchio_reader,
)

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["Dataset", "CacheDataset"])
def test_monai(folders: Folders, kind: str) -> None:
    """MONAI's datasets take ours as their data, and its transforms the dictionaries."""
    monai = library("monai")
    write_series(folders.src, 6)
    folders.convert()
    for ours in (DicomDataset(folders.src, labels=list(range(6))), CacheDataset(folders.dst)):
        steps = monai.transforms.Compose([
            monai.transforms.ScaleIntensityRanged("image", -1024, 3071, 0, 1),
            monai.transforms.RandFlipd("image", prob=1, spatial_axis=1),
            monai.transforms.EnsureTyped("image"),
        ])  # fmt: skip
        more = {"progress": False} if kind == "CacheDataset" else {}
        theirs = getattr(monai.data, kind)(ours, steps, **more)
        loader = monai.data.DataLoader(theirs, batch_size=3, num_workers=1)
        seen = 0
        for batch in loader:
            for image, number in zip(batch["image"], batch["index"].tolist(), strict=True):
                wanted = (ours[number]["image"].flip(-1) + 1024) / 4095
                assert torch.allclose(torch.as_tensor(image), wanted, atol=1e-6)
                seen += 1
        assert seen == 6


@pytest.mark.filterwarnings("ignore")
def test_monai_knows_where_a_patch_lies(folders: Folders) -> None:
    """`Spacingd` needs an affine: a MetaTensor has it, in the order of axes that MONAI has."""
    monai = library("monai")
    write_volumes(folders.src, [5])
    item = VolumeDataset(folders.src, patch=(3, 6, 5), transform=fastpix.torch.as_meta_tensor)[0]
    image = item["image"]
    assert isinstance(image, monai.data.MetaTensor)
    assert image.shape == (1, 5, 6, 3)
    start = item["start"].tolist()
    volume = fastpix.read_series(folders.src)
    part = volume.array[tuple(slice(a, a + n) for a, n in zip(start, (3, 6, 5), strict=True))]
    assert np.array_equal(image[0].numpy(), part.transpose(2, 1, 0))
    # What the first voxel's place is to read_series, it is to MONAI, which has RAS.
    assert volume.affine is not None
    corner = volume.affine @ np.array([*start, 1]) * (-1, -1, 1, 1)
    assert np.allclose(image.affine[:, 3], corner, atol=1e-6)
    again = monai.transforms.Spacing(pixdim=(1.0, 1.0, 1.0))(image)
    assert again.shape == (1, 3, 5, 6)
    assert np.allclose(again.pixdim, 1)


@pytest.mark.filterwarnings("ignore")
def test_torchio(folders: Folders) -> None:
    torchio = library("torchio")
    write_volumes(folders.src, [5])
    image = torchio.ScalarImage(folders.src / "series-0", reader=torchio_reader)
    volume = fastpix.read_series(folders.src)
    assert np.array_equal(image.data[0].numpy(), volume.array.transpose(2, 1, 0))
    assert np.allclose(image.affine, volume.affine_as("RAS", "xyz"), atol=1e-9, rtol=0)
    assert np.allclose(image.spacing, (0.5, 0.75, 2.5), atol=1e-6)
    subject = torchio.Subject(ct=image, name="a")
    made = torchio.CropOrPad((4, 6, 3))(subject)
    assert made.ct.shape == (1, 4, 6, 3)
    dataset = torchio.SubjectsDataset([subject], transform=torchio.ToCanonical())
    assert dataset[0].ct.orientation == ("R", "A", "S")


def test_torchio_needs_a_place(tmp_path: Path) -> None:
    path = write_series(tmp_path, 1)[0]
    with pytest.raises(FastpixError, match="no place in space"):
        torchio_reader(path)


@pytest.mark.filterwarnings("ignore")
def test_lightning(folders: Folders, tmp_path: Path) -> None:
    """A LightningModule takes batches as they are; an epoch sees each image once."""
    lightning = library("lightning")
    write_series(folders.src, 12)

    class Classifier(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(16 * 12, 2)
            self.seen: list[int] = []

        def training_step(self, batch: dict[str, Any], _: int) -> Any:
            self.seen += batch["index"].tolist()
            logits = self.layer(batch["image"].flatten(1))
            return torch.nn.functional.cross_entropy(logits, batch["label"])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    recipe = Recipe(normalize=(-1000, 3000))
    dataset = DicomDataset(folders.src, recipe=recipe, labels=[k % 2 for k in range(12)])
    model = Classifier()
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(model, Loader(dataset, 4, shuffle=True, num_workers=1, seed=1))
    assert sorted(model.seen[:12]) == sorted(model.seen[12:]) == list(range(12))
    assert model.seen[:12] != model.seen[12:]
