"""What the header of a PET image says of uptake: dose, weight, times, factors of vendors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastpix.errors import PixelHeaderError, SeriesError, warnings_kept
from fastpix.header.attributes import Attributes, text_of
from fastpix.header.instance import read_instance
from fastpix.image.limits import MAX_BYTES
from fastpix.notes import Notes
from fastpix.series.suv import TAGS, PetFacts, joined, suv_error
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.source.opening import SourceLike, read_source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DATE = re.compile(r"([0-9]{4})\.?([0-9]{2})\.?([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(\.[0-9]{1,6})?)?")
_ZONE = re.compile(r"([+-])([0-9]{2})([0-9]{2})")
_GE = 0x0009, "GEMS_PETD_01"
_GE_SCAN = 0x0D
_PHILIPS = 0x7053, "Philips PET Private Group"
_PHILIPS_SUV, _PHILIPS_ACTIVITY = 0x00, 0x09


def suv_factor_of(sources: Iterable[SourceLike], unit: str) -> float:
    """Return the factor of a volume; the headers of its files are read again.

    Parameters
    ----------
    sources : iterable
        Each file once.
    unit : str
        Of the values.

    Raises
    ------
    PixelHeaderError
        An attribute is missing, or contradicts others.
    SeriesError
        The values are in another unit than those of the files, or there is no file.
    OSError
        A file cannot be read any more.
    """
    every = []
    for source in sources:
        with ErrorsNamed(name_of(source)), warnings_kept():  # given when they were read first
            every.append(pet_facts(read_instance(read_source(source), MAX_BYTES).dataset))
    if not every:
        raise SeriesError("a volume without sources has no SUV factor: read it from its files")
    facts = joined(every)
    factor = facts.suv_factor()
    if unit != facts.units:
        raise SeriesError(
            f"the values are {unit}, and SUV is made of {facts.units}: read the volume with "
            "rescale=True, and without normalize="
        )
    return factor


def pet_facts(dataset: Dataset) -> PetFacts:
    """Read the facts of a PET image.

    Raises
    ------
    PixelHeaderError
        A value is no number, date or time; or several tracers were injected.
    """
    attributes = Attributes(dataset, Notes(), little=True)
    tracer = _tracer(attributes)
    zone = _zone(attributes)
    injected, injected_zone = None, False
    if tracer is not None:
        injected, injected_zone = _moment(tracer, zone)
    return PetFacts(
        _word(attributes, "Units"),
        _word(attributes, "SUVType"),
        tuple(filter(None, _word(attributes, "CorrectedImage").split("\\"))),
        _word(attributes, "DecayCorrection"),
        attributes.number(TAGS["PatientWeight"]),
        None if tracer is None else tracer.number(TAGS["RadionuclideTotalDose"]),
        None if tracer is None else tracer.number(TAGS["RadionuclideHalfLife"]),
        injected,
        None if tracer is None else _clock(tracer, "RadiopharmaceuticalStartTime"),
        injected_zone,
        _date_and_time(attributes, "SeriesDate", "SeriesTime"),
        _date_and_time(attributes, "AcquisitionDate", "AcquisitionTime"),
        _ge_scan(dataset),
        _philips(dataset, _PHILIPS_SUV),
        _philips(dataset, _PHILIPS_ACTIVITY),
    )


def _tracer(attributes: Attributes) -> Attributes | None:
    items = attributes.items(TAGS["RadiopharmaceuticalInformationSequence"])
    if len(items) > 1:
        reason = "several tracers were injected, and images are not of one of them"
        raise suv_error("RadiopharmaceuticalInformationSequence", f"{len(items)} items", reason)
    return items[0] if items else None


def _word(attributes: Attributes, name: str) -> str:
    return (attributes.text(TAGS[name]) or "").upper()


def _date(text: str) -> datetime | None:
    match = _DATE.fullmatch(text)
    try:
        return datetime(*map(int, match.groups())) if match else None  # type: ignore[arg-type]
    except ValueError:
        return None


def _time(text: str) -> timedelta | None:
    """Return the time of a day, which must be exact to a minute."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    fraction = round(float(match[4] or 0) * 1e6)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=fraction)


def _clock(attributes: Attributes, name: str) -> timedelta | None:
    text = attributes.text(TAGS[name])
    if text is None:
        return None
    found = _time(text)
    if found is None:
        raise suv_error(name, text, "it is no time that is exact to a minute (PS3.5 6.2)")
    return found


def _date_and_time(attributes: Attributes, date: str, time: str) -> datetime | None:
    text = attributes.text(TAGS[date])
    at = _clock(attributes, time)
    if text is None or at is None:
        return None
    day = _date(text)
    if day is None:
        raise suv_error(date, text, "it is no date (PS3.5 6.2)")
    return day + at


def _zone(attributes: Attributes) -> timedelta | None:
    name = "TimezoneOffsetFromUTC"
    text = attributes.text(TAGS[name])
    if text is None:
        return None
    offset = _offset(text)
    if offset is None:
        raise suv_error(name, text, "it is no offset from UTC (PS3.3 C.12.1.1)")
    return offset


def _offset(text: str) -> timedelta | None:
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def _moment(tracer: Attributes, zone: timedelta | None) -> tuple[datetime | None, bool]:
    """Return Start DateTime in the zone of the data set, and whether that zone is unknown."""
    name = "RadiopharmaceuticalStartDateTime"
    text = tracer.text(TAGS[name])
    if text is None:
        return None, False
    found = _date_time(text)
    if found is None:
        reason = "it is no date and time that is exact to a minute (PS3.5 6.2)"
        raise suv_error(name, text, reason)
    moment, offset = found
    if offset is None:
        return moment, False
    return (moment, True) if zone is None else (moment - offset + zone, False)


def _date_time(text: str) -> tuple[datetime, timedelta | None] | None:
    offset = None
    if len(text) > 5 and text[-5] in "+-":
        offset = _offset(text[-5:])
        if offset is None:
            return None
        text = text[:-5]
    day, at = _date(text[:8]), _time(text[8:])
    return None if day is None or at is None else (day + at, offset)


def _private(dataset: Dataset, group: int, creator: str, element: int) -> str | None:
    """Return the text of a private element of a block (PS3.5 7.8.1)."""
    try:
        tag = dataset.private_block(group, creator).get_tag(element)
    except KeyError:
        return None
    found: Any = dataset.get_item(tag) if tag in dataset else None
    return None if found is None or found.value is None else text_of(found.value) or None


def _ge_scan(dataset: Dataset) -> datetime | None:
    text = _private(dataset, *_GE, _GE_SCAN)
    found = _date_time(text) if text is not None else None
    return None if found is None or found[1] is not None else found[0]


def _philips(dataset: Dataset, element: int) -> float | None:
    """Return a factor of Philips; 0 stands for none."""
    text = _private(dataset, *_PHILIPS, element)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise _private_error(element, text) from error
    if not math.isfinite(number) or number < 0:
        raise _private_error(element, text)
    return number or None


def _private_error(element: int, text: str) -> PixelHeaderError:
    return PixelHeaderError(
        tag=0x70531000 | element, keyword="private factor of Philips", value=text,
        reason="it is no number of 0 or more",
    )  # fmt: skip
