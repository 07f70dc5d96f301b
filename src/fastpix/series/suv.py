"""Standardized uptake values of PET: the factor that makes them of a series' values.

The rules are those of the vendor-neutral pseudo-code of QIBA (FDG-PET/CT profile, appendix G), with
the attributes of PS3.3 C.8.9.1 (PET Series), C.8.9.2 (PET Isotope) and C.8.9.4 (PET Image). What is
missing or contradictory is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from fastpix.errors import PixelHeaderError

_DAY = timedelta(days=1)
_LEAST_DOSE = 1e4  # Bq; less is a number of MBq
_MOST_WEIGHT = 1000.0  # kg
_MOST_HALF_LIVES = 10.0  # between injection and scan; of what was injected, 0.1 % is left
_LONG_HALF_LIFE = 6 * 3600.0  # s; tracers that are imaged on another day than that of injection

NAMES = {
    0x00080021: "SeriesDate",
    0x00080022: "AcquisitionDate",
    0x00080031: "SeriesTime",
    0x00080032: "AcquisitionTime",
    0x00080201: "TimezoneOffsetFromUTC",
    0x00101030: "PatientWeight",
    0x00181072: "RadiopharmaceuticalStartTime",
    0x00181074: "RadionuclideTotalDose",
    0x00181075: "RadionuclideHalfLife",
    0x00181078: "RadiopharmaceuticalStartDateTime",
    0x00280051: "CorrectedImage",
    0x00540016: "RadiopharmaceuticalInformationSequence",
    0x00541001: "Units",
    0x00541006: "SUVType",
    0x00541102: "DecayCorrection",
}
TAGS = {name: tag for tag, name in NAMES.items()}
"""Of the attributes that are read, by keyword."""

_CORRECTIONS = {"ATTN": "attenuation", "DECY": "decay"}


@dataclass(frozen=True)
class PetFacts:
    """What a PET image says of uptake. What it does not say is None, or empty.

    Attributes
    ----------
    units : str
        Units (0054,1001).
    suv_type : str
        SUV Type (0054,1006).
    corrections : tuple of str
        Corrected Image (0028,0051).
    decay_correction : str
        Decay Correction (0054,1102).
    weight : float or None
        Patient's Weight (0010,1030), in kg.
    dose : float or None
        Radionuclide Total Dose (0018,1074), in Bq, at the time of injection.
    half_life : float or None
        Radionuclide Half Life (0018,1075), in seconds.
    injected : datetime or None
        Radiopharmaceutical Start DateTime (0018,1078).
    injected_at : timedelta or None
        Radiopharmaceutical Start Time (0018,1072): the time of a day.
    injected_zone : bool
        `injected` was given with its offset from UTC, while the other times have none.
    series, acquired : datetime or None
        Date and time of the series and of the acquisition.
    ge_scan : datetime or None
        GE's scan date and time, (0009,100D) of GEMS_PETD_01.
    philips_suv, philips_activity : float or None
        (7053,1000) and (7053,1009) of Philips PET Private Group: counts to SUV, and to Bq/ml.
    """

    units: str = ""
    suv_type: str = ""
    corrections: tuple[str, ...] = ()
    decay_correction: str = ""
    weight: float | None = None
    dose: float | None = None
    half_life: float | None = None
    injected: datetime | None = None
    injected_at: timedelta | None = None
    injected_zone: bool = False
    series: datetime | None = None
    acquired: datetime | None = None
    ge_scan: datetime | None = None
    philips_suv: float | None = None
    philips_activity: float | None = None

    def suv_factor(self) -> float:
        """Return what makes SUV by body weight, in g/ml, of the values of the series.

        Values are those after Rescale Slope and Intercept, in Units (0054,1001): Bq/ml (``BQML``),
        counts of Philips (``CNTS``), or SUV already (``GML``: the factor is 1, if SUV Type is BW or
        absent, which means BW).

        Raises
        ------
        PixelHeaderError
            An attribute is missing, contradicts others, or rules SUV out.
        """
        for name in ("ATTN", "DECY"):
            if name not in self.corrections:
                raise suv_error(
                    "CorrectedImage", "\\".join(self.corrections) or None,
                    f"SUV needs images that are corrected for {_CORRECTIONS[name]} ({name})",
                    "use the corrected series of the study",
                )  # fmt: skip
        if self.decay_correction not in ("START", "ADMIN"):
            raise suv_error(
                "DecayCorrection", self.decay_correction or None,
                "SUV needs values that are corrected to one time, START or ADMIN",
                "use the corrected series of the study",
            )  # fmt: skip
        if self.units == "GML":
            if self.suv_type not in ("", "BW"):
                raise suv_error(
                    "SUVType", self.suv_type, "values are SUV, but not by body weight",
                    "use them as they are, or the series in Bq/ml",
                )  # fmt: skip
            return 1.0
        if self.units == "BQML":
            return self._per_activity()
        if self.units == "CNTS":
            if self.philips_suv:
                return self.philips_suv
            if self.philips_activity:
                return self.philips_activity * self._per_activity()
            reason = "they are counts, and Philips' factors (7053,1000) and (7053,1009) are missing"
            raise suv_error(
                "Units", "CNTS", reason, "keep private elements when files are exported"
            )
        raise suv_error(
            "Units", self.units or None, "SUV is made of BQML, GML, and CNTS of Philips",
            "use a series in Bq/ml",
        )  # fmt: skip

    def _per_activity(self) -> float:
        """Return grams of weight per decayed Bq."""
        weight, dose, half_life = self.weight, self.dose, self.half_life
        if weight is None or not 0 < weight <= _MOST_WEIGHT:
            raise suv_error("PatientWeight", weight, "SUV by body weight needs it, in kg")
        if dose is None or dose < _LEAST_DOSE:
            raise suv_error("RadionuclideTotalDose", dose, "SUV needs the injected dose, in Bq")
        if half_life is None or half_life <= 0:
            raise suv_error("RadionuclideHalfLife", half_life, "SUV needs it, in seconds")
        elapsed = 0.0
        if self.decay_correction == "START":
            elapsed = self._elapsed(half_life)
        return weight * 1000 / (dose * 2 ** (-elapsed / half_life))

    def _elapsed(self, half_life: float) -> float:
        """Return the seconds between injection and the time that values are corrected to."""
        scan = self._scan()
        injected, name = self.injected, "RadiopharmaceuticalStartDateTime"
        at = self.injected_at
        if injected is not None:
            clock = injected - injected.replace(hour=0, minute=0, second=0, microsecond=0)
            if at is not None and abs(clock - at) >= timedelta(seconds=1):
                raise suv_error(name, str(injected), "it contradicts RadiopharmaceuticalStartTime")
            if self.injected_zone and at is None:
                reason = "it has an offset from UTC, and the times of the scan have none"
                raise suv_error(name, str(injected), reason)
        elif at is None:
            raise suv_error(name, None, "SUV needs the time of injection")
        elif half_life > _LONG_HALF_LIFE:
            reason = "it has no date, and the isotope may have been injected days before"
            raise suv_error("RadiopharmaceuticalStartTime", str(at), reason)
        else:
            name = "RadiopharmaceuticalStartTime"
            injected = scan.replace(hour=0, minute=0, second=0, microsecond=0) + at
            if injected > scan:
                injected -= _DAY  # the scan began after midnight
        elapsed = (scan - injected).total_seconds()
        if elapsed < 0:
            raise suv_error(name, str(injected), "the injection is after the scan")
        if elapsed > _MOST_HALF_LIVES * half_life:
            reason = f"the injection is more than {_MOST_HALF_LIVES:.0f} half-lives before the scan"
            raise suv_error(name, str(injected), reason)
        return elapsed

    def _scan(self) -> datetime:
        """Return the start of the scan, which values are corrected to (START)."""
        if self.series is not None and self.acquired is not None and self.series <= self.acquired:
            return self.series
        if self.ge_scan is not None:
            return self.ge_scan
        if self.series is None:
            raise suv_error("SeriesTime", None, "SUV needs date and time of the series")
        if self.acquired is None:
            raise suv_error("AcquisitionTime", None, "SUV needs date and time of the acquisition")
        raise suv_error(
            "SeriesTime", str(self.series),
            "it is after the acquisition: it is when the series was made, not when the scan began",
            "use the series that it was made from",
        )  # fmt: skip


def joined(facts: Iterable[PetFacts]) -> PetFacts:
    """Return the facts of a series, of which the acquisition that came first counts.

    Raises
    ------
    PixelHeaderError
        Its images contradict each other.
    """
    every = list(dict.fromkeys(facts))
    times = [one.acquired for one in every if one.acquired is not None]
    first = replace(every[0], acquired=min(times) if len(times) == len(every) else None)
    for other in every[1:]:
        for field in fields(PetFacts):
            name = field.name
            if name != "acquired" and getattr(other, name) != getattr(first, name):
                raise PixelHeaderError(
                    tag=_FIELDS[name], keyword=NAMES.get(_FIELDS[name], "private element"),
                    value="several values", reason="images of one volume contradict each other",
                    remedy="work out SUV for each image",
                )  # fmt: skip
    return first


_FIELDS = {
    "units": 0x00541001,
    "suv_type": 0x00541006,
    "corrections": 0x00280051,
    "decay_correction": 0x00541102,
    "weight": 0x00101030,
    "dose": 0x00181074,
    "half_life": 0x00181075,
    "injected": 0x00181078,
    "injected_at": 0x00181072,
    "injected_zone": 0x00080201,
    "series": 0x00080031,
    "ge_scan": 0x0009100D,
    "philips_suv": 0x70531000,
    "philips_activity": 0x70531009,
}


def suv_error(name: str, value: object, reason: str, remedy: str = "") -> PixelHeaderError:
    """Return the error for an attribute that SUV cannot be made with."""
    return PixelHeaderError(
        tag=TAGS[name], keyword=name, value=value, reason=reason,
        remedy=remedy or "correct the attribute, or work with the values as they are",
    )  # fmt: skip
