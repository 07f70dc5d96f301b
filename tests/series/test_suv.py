"""SUV factors, against numbers that were worked out by hand; and headers that give none."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, make_item
from support.series_files import slice_dataset, write_slices

import fastpix
from fastpix.errors import PixelHeaderError, SeriesError
from fastpix.series.pet_header import pet_facts
from fastpix.series.suv import PetFacts, joined

DOSE, WEIGHT, HALF_LIFE = 400e6, 80.0, 6000.0
# One half-life before the scan: 200 MBq are left, in 80,000 g.
FACTOR = 80_000 / 200e6


def pet(tracer: dict[str, Any] | None = None, **attributes: Any) -> Dataset:
    """Return a PET image, injected at 09:20:00, scanned at 11:00:00."""
    item: dict[str, Any] = {
        "RadiopharmaceuticalStartTime": "092000.00",
        "RadionuclideTotalDose": "400000000",
        "RadionuclideHalfLife": "6000",
        **(tracer or {}),
    }
    values: dict[str, Any] = {
        "Modality": "PT",
        "Units": "BQML",
        "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
        "DecayCorrection": "START",
        "PatientWeight": "80",
        "SeriesDate": "20240229",
        "SeriesTime": "110000",
        "AcquisitionDate": "20240229",
        "AcquisitionTime": "110130.5",
        "RadiopharmaceuticalInformationSequence": [
            make_item(**{k: v for k, v in item.items() if v is not None})
        ],
        **attributes,
    }
    return make_dataset(**values)


def factor(dataset: Dataset) -> float:
    return pet_facts(dataset).suv_factor()


def check(dataset: Dataset, expected: float = FACTOR) -> None:
    """Check a factor, of a data set in memory and of files."""
    assert factor(dataset) == pytest.approx(expected, rel=1e-12)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        read = dcmread(BytesIO(encode(dataset, syntax)))
        assert factor(read) == pytest.approx(expected, rel=1e-12)


def refuses(dataset: Dataset, tag: int, words: str) -> None:
    with pytest.raises(PixelHeaderError, match=words) as caught:
        factor(dataset)
    assert caught.value.tag == tag
    assert caught.value.remedy
    assert "400000000" not in caught.value.storable


# What counts.


def test_activity() -> None:
    check(pet())


def test_hand_computed_fdg() -> None:
    """F-18, 370 MBq, scan 3685 s after injection; 70 kg; 2 ** -(3685 / 6586.2) = 0.678535."""
    tracer = {
        "RadiopharmaceuticalStartTime": "083045",
        "RadionuclideTotalDose": "3.7e8",
        "RadionuclideHalfLife": "6586.2",
    }
    dataset = pet(tracer, PatientWeight="70", SeriesTime="093210", AcquisitionTime="093210")
    assert factor(dataset) == pytest.approx(70_000 / (3.7e8 * 0.678535), rel=1e-5)


def test_activity_at_administration_is_not_decayed() -> None:
    check(pet(DecayCorrection="ADMIN"), 80_000 / 400e6)
    check(pet({"RadiopharmaceuticalStartTime": None}, DecayCorrection="ADMIN"), 80_000 / 400e6)


def test_date_and_time_of_injection() -> None:
    at = "RadiopharmaceuticalStartDateTime"
    check(pet({at: "20240229092000.000000", "RadiopharmaceuticalStartTime": None}))
    check(pet({at: "202402290920"}))
    late = {at: "20240229233000", "RadiopharmaceuticalStartTime": "233000"}
    after = {"SeriesDate": "20240301", "AcquisitionDate": "20240301"}
    check(pet(late, SeriesTime="011000", AcquisitionTime="011000", **after))


def test_scan_after_midnight() -> None:
    dataset = pet(
        {"RadiopharmaceuticalStartTime": "233000"}, SeriesDate="20240301", SeriesTime="011000",
        AcquisitionDate="20240301", AcquisitionTime="011000",
    )  # fmt: skip
    check(dataset)


def test_old_dates_and_times() -> None:
    check(pet({"RadiopharmaceuticalStartTime": "0920"}))
    dataset = pet()
    dataset["SeriesDate"]._value = "2024.02.29"
    dataset["SeriesTime"]._value = "11:00:00"
    assert factor(dataset) == pytest.approx(FACTOR)


@pytest.mark.parametrize(
    ("moment", "zone"),
    [("20240229092000+0100", "+0100"), ("20240229082000+0000", "+0100"),
     ("20240229032000-0500", "+0100"), ("20240229092000+0100", None)],
)  # fmt: skip
def test_offsets_from_utc(moment: str, zone: str | None) -> None:
    dataset = pet({"RadiopharmaceuticalStartDateTime": moment})
    if zone is not None:
        dataset.TimezoneOffsetFromUTC = zone
    check(dataset)


def test_offset_that_nothing_confirms() -> None:
    tracer = {"RadiopharmaceuticalStartDateTime": "20240229092000+0100",
              "RadiopharmaceuticalStartTime": None}  # fmt: skip
    refuses(pet(tracer), 0x00181078, "offset from UTC")


def test_grams_per_millilitre_are_suv() -> None:
    check(pet(Units="GML"), 1.0)
    check(pet(Units="GML", SUVType="BW", PatientWeight=None), 1.0)
    refuses(pet(Units="GML", SUVType="LBM"), 0x00541006, "not by body weight")


def philips(suv: str | None, activity: str | None, **attributes: Any) -> Dataset:
    dataset = pet(Units="CNTS", **attributes)
    block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    for element, value in ((0x00, suv), (0x09, activity)):
        if value is not None:
            block.add_new(element, "DS", value)
    return dataset


def test_counts_of_philips() -> None:
    check(philips("0.000529", None), 0.000529)
    check(philips("0.000529", "1.5", PatientWeight=None), 0.000529)
    check(philips(None, "1.5"), 1.5 * FACTOR)
    check(philips("0", "1.5"), 1.5 * FACTOR)
    refuses(philips(None, None), 0x00541001, "counts")
    refuses(philips("0", "0"), 0x00541001, "counts")
    refuses(philips(None, "1.5", PatientWeight=None), 0x00101030, "body weight")
    dataset = pet(Units="CNTS")
    dataset.private_block(0x7053, "SOMEBODY ELSE", create=True).add_new(0, "DS", "2")
    refuses(dataset, 0x00541001, "counts")
    for value in ("x", "-1", "inf"):
        wrong = philips(None, None)
        wrong.private_block(0x7053, "Philips PET Private Group").add_new(0, "LO", value)
        refuses(wrong, 0x70531000, "no number")


def ge(value: str, **attributes: Any) -> Dataset:
    dataset = pet(**attributes)
    block = dataset.private_block(0x0009, "GEMS_PETD_01", create=True)
    block.add_new(0x0D, "LO" if value == "no date" else "DT", value)
    return dataset


def test_scan_time_of_ge_where_it_is_the_only_way() -> None:
    later: dict[str, Any] = {"SeriesDate": "20240301"}
    check(ge("20240229110000.00", **later))
    check(ge("20240229110000.00", SeriesTime=None))
    check(ge("20240229110000.00", AcquisitionDate=None))
    check(ge("20240229150000.00"))  # else it is the series that counts
    refuses(pet(**later), 0x00080031, "when the series was made")
    refuses(ge("no date", **later), 0x00080031, "when the series was made")
    refuses(ge("20240229110000+0100", **later), 0x00080031, "when the series was made")


# What gives no factor.


@pytest.mark.parametrize(
    ("tag", "words", "attributes"),
    [
        (0x00280051, "corrected for attenuation", {"CorrectedImage": ["DECY"]}),
        (0x00280051, "corrected for decay", {"CorrectedImage": ["ATTN", "NORM"]}),
        (0x00280051, "missing", {"CorrectedImage": None}),
        (0x00280051, "ATTN", {"CorrectedImage": None, "Units": "GML"}),
        (0x00541102, "START or ADMIN", {"DecayCorrection": "NONE"}),
        (0x00541102, "missing", {"DecayCorrection": None}),
        (0x00541001, "BQML, GML", {"Units": "PROPCPS"}),
        (0x00541001, "BQML, GML", {"Units": "CPS"}),
        (0x00541001, "missing", {"Units": None}),
        (0x00101030, "missing", {"PatientWeight": None}),
        (0x00101030, "in kg", {"PatientWeight": "0"}),
        (0x00101030, "in kg", {"PatientWeight": "80000"}),
        (0x00080031, "missing", {"SeriesTime": None}),
        (0x00080031, "missing", {"SeriesDate": None}),
        (0x00080032, "missing", {"AcquisitionTime": None}),
        (0x00080032, "missing", {"AcquisitionDate": None}),
        (0x00080031, "when the series was made", {"SeriesTime": "110131"}),
        (0x00540016, "several tracers",
         {"RadiopharmaceuticalInformationSequence": [make_item(), make_item()]}),
        (0x00181074, "missing", {"RadiopharmaceuticalInformationSequence": None}),
    ],
)  # fmt: skip
def test_images_without_a_factor(tag: int, words: str, attributes: dict[str, Any]) -> None:
    refuses(pet(**attributes), tag, words)


@pytest.mark.parametrize(
    ("tag", "words", "tracer"),
    [
        (0x00181074, "missing", {"RadionuclideTotalDose": None}),
        (0x00181074, "in Bq", {"RadionuclideTotalDose": "400"}),  # MBq
        (0x00181074, "in Bq", {"RadionuclideTotalDose": "-4e8"}),
        (0x00181075, "missing", {"RadionuclideHalfLife": None}),
        (0x00181075, "in seconds", {"RadionuclideHalfLife": "0"}),
        (0x00181078, "missing", {"RadiopharmaceuticalStartTime": None}),
        (0x00181072, "days before", {"RadionuclideHalfLife": "282000"}),
        (0x00181072, "half-lives", {"RadiopharmaceuticalStartTime": "110001"}),
        (0x00181078, "contradicts", {"RadiopharmaceuticalStartDateTime": "20240229093000"}),
        (0x00181078, "after the scan",
         {"RadiopharmaceuticalStartDateTime": "20240301092000"}),
        (0x00181078, "half-lives", {"RadiopharmaceuticalStartDateTime": "20200229092000"}),
        (0x00181078, "no date and time", {"RadiopharmaceuticalStartDateTime": "20240229"}),
        (0x00181078, "no date and time", {"RadiopharmaceuticalStartDateTime": "2024022909"}),
    ],
)  # fmt: skip
def test_tracers_without_a_factor(tag: int, words: str, tracer: dict[str, Any]) -> None:
    refuses(pet(tracer), tag, words)


@pytest.mark.parametrize(
    ("name", "tag", "value"),
    [("SeriesDate", 0x00080021, "20240230"), ("SeriesDate", 0x00080021, "today"),
     ("SeriesTime", 0x00080031, "11"), ("SeriesTime", 0x00080031, "256000"),
     ("AcquisitionTime", 0x00080032, "noon"), ("TimezoneOffsetFromUTC", 0x00080201, "CET")],
)  # fmt: skip
def test_dates_and_times_that_are_none(name: str, tag: int, value: str) -> None:
    dataset = pet(TimezoneOffsetFromUTC="+0100")
    dataset[name]._value = value
    refuses(dataset, tag, "it is no")


def test_numbers_that_are_none() -> None:
    dataset = pet()
    dataset["PatientWeight"]._value = "heavy"
    refuses(dataset, 0x00101030, "not a number")


# Several images.


def test_the_first_acquisition_counts() -> None:
    beds = [pet_facts(pet(AcquisitionTime=time)) for time in ("111500", "110500", "110000")]
    assert joined(beds).suv_factor() == pytest.approx(FACTOR)
    late = [pet_facts(pet(AcquisitionTime=t, SeriesTime="111000")) for t in ("111500", "110500")]
    assert late[0].suv_factor() != pytest.approx(FACTOR)  # it alone cannot know
    with pytest.raises(PixelHeaderError, match="when the series was made"):
        joined(late).suv_factor()
    unknown = [pet_facts(pet()), pet_facts(pet(AcquisitionTime=None))]
    assert joined(unknown).acquired is None


@pytest.mark.parametrize(
    ("attributes", "tag"),
    [({"PatientWeight": "81"}, 0x00101030), ({"Units": "GML"}, 0x00541001),
     ({"SeriesTime": "105959"}, 0x00080031)],
)  # fmt: skip
def test_images_that_contradict_each_other(attributes: dict[str, Any], tag: int) -> None:
    with pytest.raises(PixelHeaderError, match="contradict each other") as caught:
        joined([pet_facts(pet()), pet_facts(pet(**attributes))])
    assert caught.value.tag == tag


def volume_files(folder: Path, **attributes: Any) -> list[Path]:
    slices = []
    for k in range(3):
        part = slice_dataset(k, Modality="PT", RescaleIntercept="0", RescaleSlope=str(k + 1))
        facts = pet(**attributes)
        for element in facts:
            if element.tag.group not in (0x0028, 0x7FE0) and element.keyword != "SOPInstanceUID":
                part[element.tag] = element
        part.CorrectedImage = facts.CorrectedImage
        part.AcquisitionTime = f"11000{k}"
        slices.append(part)
    return write_slices(folder, slices)


def test_volumes(tmp_path: Path) -> None:
    paths = volume_files(tmp_path)
    volume = fastpix.read_series(paths)
    assert volume.array.shape == (3, 6, 5)
    assert volume.suv_factor() == pytest.approx(FACTOR)
    with pytest.raises(SeriesError, match="rescale=True"):
        fastpix.read_series(paths, rescale=False).suv_factor()
    with pytest.raises(SeriesError, match="without sources"):
        replace(volume, sources=()).suv_factor()
    paths[0].unlink()
    with pytest.raises(FileNotFoundError):
        volume.suv_factor()


def test_errors_of_volumes_name_the_file(tmp_path: Path) -> None:
    volume = fastpix.read_series(volume_files(tmp_path, PatientWeight=None))
    with pytest.raises(PixelHeaderError, match="PatientWeight"):
        volume.suv_factor()
    path = tmp_path / "0000.dcm"
    dataset = dcmread(path)
    dataset["PatientWeight"] = DataElement(0x00101030, "LO", "heavy")
    dataset.save_as(path)
    with pytest.raises(PixelHeaderError, match="not a number") as caught:
        volume.suv_factor()
    assert caught.value.source == path


def test_nothing_is_known_of_no_pet() -> None:
    facts = pet_facts(make_dataset())
    assert facts == PetFacts()
    with pytest.raises(PixelHeaderError):
        facts.suv_factor()
