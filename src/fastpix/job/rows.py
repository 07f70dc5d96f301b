"""A row of the manifest: what may be known of an image, free of patient data by construction.

Numbers, terms of the standard, entries of our own tables, and keyed hashes: no text of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastpix.errors import PixelHeaderError
from fastpix.header.geometry import geometry_of
from fastpix.header.header import Header
from fastpix.header.image_affine import image_geometry
from fastpix.header.instance import Instance
from fastpix.header.plain_values import PlainValues, plain_values, values_at_top
from fastpix.job.items import Item
from fastpix.job.vocabulary import maker, modality_term, model, photometric_term, unit_term
from fastpix.plan.plan import Plan
from fastpix.pseudonyms import Names
from fastpix.recipe import Recipe
from fastpix.series.plane_values import integer, long, text, uid
from fastpix.sources.source_key import BY, software_token, source_id, source_key_of
from fastpix.standard.syntaxes import syntax_name, uid_name
from fastpix.standard.tags import Tag

Row = dict[str, Any]


def unit_of(header: Header, plan: Plan, recipe: Recipe, before_normalize: bool = False) -> str:
    """Return the unit of values, in terms that a manifest may hold.

    Parameters
    ----------
    header : Header
    plan : Plan
    recipe : Recipe
    before_normalize : bool
        Of the values that are normalized, if they are.
    """
    if plan.color is not None:
        return "RGB"
    unit = unit_term(header.unit) if recipe.rescale else "stored values"
    if plan.invert != "none":
        unit = f"inverted {unit}"
    if recipe.normalize is not None and not before_normalize:
        lo, hi = recipe.normalize
        return f"0..1, from {lo:g}..{hi:g} {unit}"
    return unit


def failed_row(item: Item, kind: str, status: str, error: str = "", reason: str = "") -> Row:
    """Return the row of an item that gave no array.

    Parameters
    ----------
    item : Item
    kind, status, error, reason : str
        As the columns say.
    """
    row: Row = {
        "item": item.name, "name": item.name, "kind": kind, "status": status, "state": item.state,
    }  # fmt: skip
    if error:
        row |= {"error": error, "reason": reason}
    return row


@lru_cache(1024)
def header_columns(header: Header) -> Row:
    """Return what the pixel header says; many files share it, so the row is copied.

    Parameters
    ----------
    header : Header
    """
    return {
        "modality": modality_term(header.modality),
        "transfer_syntax": syntax_name(header.transfer_syntax) or None,
        "photometric": photometric_term(header.photometric),
        "rows": header.rows,
        "columns": header.columns,
        "frames": header.frames,
        "bits_allocated": header.bits_allocated,
        "bits_stored": header.bits_stored,
        "high_bit": header.high_bit,
        "signed": header.signed,
    }


class Describer:
    """Makes the columns of identity and geometry, by the key of a job.

    Parameters
    ----------
    names : Names
    by : sequence of str
        The attributes that tell sources apart.
    """

    def __init__(self, names: Names, by: Sequence[str] = BY) -> None:
        self._names = names
        # Files of a series say the same: each different text is hashed and looked up once.
        self._uid = lru_cache(4096)(lambda value: names.of_uid(uid(value)) if uid(value) else None)
        self._patient = lru_cache(1024)(lambda i, s: names.of_patient(text(i), text(s)))
        self._maker = lru_cache(256)(lambda value: maker(text(value), names))
        self._model = lru_cache(256)(lambda value: model(text(value), names))
        self._source = lru_cache(256)(lambda key: source_id(key, names, by))
        self._software = lru_cache(256)(lambda text: software_token(text, names) or None)

    def identity(self, instance: Instance) -> Row:
        """Return who and what an instance is of, in keyed hashes and terms, and where it lies.

        Parameters
        ----------
        instance : Instance
        """
        values: PlainValues | None
        try:
            values = plain_values(instance)
            top = values.top
        except PixelHeaderError:  # functional groups that stored values do without
            values, top = None, values_at_top(instance)
        get = top.get
        sop = uid(get(Tag.SOPInstanceUID))
        temporal = integer(get(Tag.TemporalPositionIdentifier))
        if temporal is None:
            temporal = long(get(Tag.TemporalPositionIndex))
        key = source_key_of(top, instance.header)
        row: Row = {
            "sop_class": _sop_class(get(Tag.SOPClassUID)),
            "manufacturer": self._maker(get(Tag.Manufacturer)),
            "model": self._model(get(Tag.ManufacturerModelName)),
            "source": self._source(key),
            "software": self._software(key.software),
            "burned_in_annotation": _yes_or_no(get(Tag.BurnedInAnnotation)),
            "patient": self._patient(get(Tag.PatientID), get(Tag.IssuerOfPatientID)),
            "study": self._uid(get(Tag.StudyInstanceUID)),
            "series": self._uid(get(Tag.SeriesInstanceUID)),
            "sop_instance": self._names.of_uid(sop) if sop else None,
            "frame_of_reference": self._uid(get(Tag.FrameOfReferenceUID)),
            "instance_number": _small(integer(get(Tag.InstanceNumber))),
            "acquisition_number": _small(integer(get(Tag.AcquisitionNumber))),
            "temporal_position": _small(temporal),
        }
        if values is None:
            return row
        if instance.header.frames > 1 or values.shared or values.frames is not None:
            geometry = image_geometry(instance)
            affine, spacing = geometry.affine, geometry.spacing
            if spacing is not None:
                row["pixel_spacing"] = list(spacing[1:])
                row["spacing_between_slices"] = None if spacing[0] != spacing[0] else spacing[0]
            if affine is not None:
                row["affine"] = affine.ravel().tolist()
                row["position"] = affine[:3, 3].tolist()
            return row
        plane = geometry_of(values.top)
        row |= {
            "position": plane.position,
            "orientation": plane.orientation,
            "pixel_spacing": plane.spacing,
            "is_detector_spacing": plane.is_detector_spacing,
            "slice_thickness": plane.thickness,
            "spacing_between_slices": plane.between,
        }
        return row


@lru_cache(16)
def describer_of(key: bytes, by: tuple[str, ...] = BY) -> Describer:
    """Return the describer of a key, whose caches live as long as the process.

    Parameters
    ----------
    key : bytes
    by : tuple of str
        The attributes that tell sources apart.
    """
    return Describer(Names(key), by)


@lru_cache(256)
def _sop_class(value: bytes | None) -> str | None:
    return uid_name(uid(value)) or None


def _yes_or_no(value: bytes | None) -> str | None:
    said = text(value)
    return said if said in ("YES", "NO") else None


def _small(number: int | None) -> int | None:
    """Return an integer that a column holds; others are none that a scanner counts with."""
    return number if number is not None and -(2**31) <= number < 2**31 else None
