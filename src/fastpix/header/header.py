"""What the file says about its pixels, read by the rules of docs/headers.md.

Knows nothing of what the caller wants. An oddity that can only be read one way is read so and
noted; what could be read two ways is an error that names the attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, header_error
from fastpix.header.luts import Lut, read_modality_lut, read_palette
from fastpix.header.pixel_module import (
    FLOAT_BITS,
    MONOCHROME,
    read_bits,
    read_bits_allocated,
    read_dimension,
    read_frames,
    read_padding,
    read_photometric,
    read_planar,
    read_samples,
    read_signed,
)
from fastpix.header.rescale import SAME, Rescales, read_rescales, rescale_error
from fastpix.notes import Note
from fastpix.standard.syntaxes import BIG_ENDIAN_CELLS
from fastpix.standard.tags import PHILIPS_CREATORS, PHILIPS_SCALE_SLOPE, Tag
from fastpix.standard.uids import (
    FLUOROSCOPY_STORAGE,
    GE_IMPLICIT_VR,
    LABEL_MAP_STORAGE,
    PET_IMAGE_STORAGE,
    RT_DOSE_STORAGE,
)

PIXEL_NAMES = {
    Tag.PixelData: "Pixel Data (7FE0,0010)",
    Tag.FloatPixelData: "Float Pixel Data (7FE0,0008)",
    Tag.DoubleFloatPixelData: "Double Float Pixel Data (7FE0,0009)",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The pixel attributes of one instance, every one settled.

    Attributes
    ----------
    transfer_syntax : str
        Its UID.
    big_endian : bool
        The byte order of native cells wider than a byte.
    encapsulated : bool
        Whether the pixel data element holds fragments of codestreams.
    pixel_bytes : int
        How many bytes of native pixels there are; 0 where they are encapsulated.
    pixel_keyword : str
        What holds them, by name and tag.
    is_float : bool
        Float or Double Float Pixel Data; `bits_stored`, `high_bit` and `signed` say nothing then.
    word_ow : bool
        The element's VR is OW, which a big-endian file swaps in pairs (but GE's does not).
    frames, rows, columns, samples : int
    photometric : str
        Photometric Interpretation, upper case, trimmed.
    planar : bool
        Samples of a frame come plane by plane (Planar Configuration 1).
    bits_allocated, bits_stored, high_bit : int
    signed : bool
        Pixel Representation 1: two's complement.
    rescales : Rescales
        One, or one a frame.
    rescale_error : PixelHeaderError or None
        Why neither `rescales` nor a Modality LUT can be used, for those who ask for them.
    modality_lut : Lut or None
        In place of `rescales`.
    palette : (Lut, Lut, Lut) or None
        Of PALETTE COLOR; None for a label map, whose values are no colours.
    padding : (float, float) or None
        Pixel Padding Value and Range Limit, in ascending order.
    padding_error : PixelHeaderError or None
        Why `padding` cannot be used, for those who ask for it.
    modality : str
    unit : str
        What rescaled values are in, as far as the header says.
    notes : tuple of Note
    """

    transfer_syntax: str
    big_endian: bool
    encapsulated: bool
    pixel_bytes: int
    pixel_keyword: str
    is_float: bool
    word_ow: bool
    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    planar: bool
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    rescales: Rescales
    rescale_error: PixelHeaderError | None
    modality_lut: Lut | None
    palette: tuple[Lut, Lut, Lut] | None
    padding: tuple[float, float] | None
    padding_error: PixelHeaderError | None
    modality: str
    unit: str
    notes: tuple[Note, ...]

    @property
    def is_gray(self) -> bool:
        """Whether a pixel is one number, neither a colour nor the index of one."""
        is_indexed = self.photometric == "PALETTE COLOR"
        return self.photometric in MONOCHROME or (is_indexed and self.palette is None)

    def __hash__(self) -> int:
        # Enough to tell headers apart, at a fraction of what all attributes cost.
        return hash((self.rows, self.columns, self.frames, self.transfer_syntax, self.rescales))


class PixelElement(NamedTuple):
    """What holds the pixels.

    Attributes
    ----------
    tag : Tag
    vr : str
        Empty where the file does not say.
    encapsulated : bool
    length : int
        Bytes of its value.
    """

    tag: Tag
    vr: str
    encapsulated: bool
    length: int


def header_of(attributes: Attributes, syntax: str, pixels: PixelElement) -> Header:
    """Settle every attribute that decides about pixels, by the rules of docs/headers.md.

    Parameters
    ----------
    attributes : Attributes
        Of the data set; what is odd or reported is added to their notes.
    syntax : str
        UID of the transfer syntax.
    pixels : PixelElement

    Returns
    -------
    Header

    Raises
    ------
    PixelHeaderError
    """
    tag = pixels.tag
    is_float = tag in FLOAT_BITS
    rows, columns = read_dimension(attributes, Tag.Rows), read_dimension(attributes, Tag.Columns)
    frames = read_frames(attributes)
    samples = read_samples(attributes)
    photometric = read_photometric(attributes, samples)
    allocated = read_bits_allocated(attributes, tag, samples)
    signed = False if is_float else read_signed(attributes)
    stored, high = (allocated, allocated - 1) if is_float else read_bits(attributes, allocated)
    if is_float and photometric not in MONOCHROME:
        raise header_error(Tag.PhotometricInterpretation, photometric, f"{tag.name} is MONOCHROME")
    modality = _modality(attributes)
    lut, rescales, problem = _scales(attributes, signed, is_float, frames, modality)
    padding, padding_error = _padding(attributes, tag, signed)
    palette = None
    if photometric == "PALETTE COLOR":
        if _is_label_map(attributes):
            attributes.notes.add(
                "PALETTE COLOR of a label map: its values are segment numbers", code="HDR_LABEL_MAP"
            )
        else:
            palette = read_palette(attributes, signed)
    planar = read_planar(attributes, samples)
    unit = _unit(attributes, modality, lut is not None, rescales)
    _report(attributes, photometric, _tags_of_groups(attributes, problem))
    return Header(
        transfer_syntax=syntax,
        big_endian=syntax in BIG_ENDIAN_CELLS,
        encapsulated=pixels.encapsulated,
        pixel_bytes=0 if pixels.encapsulated else pixels.length,
        pixel_keyword=PIXEL_NAMES[tag],
        is_float=is_float,
        word_ow=pixels.vr == "OW" and syntax != GE_IMPLICIT_VR,
        frames=frames,
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        planar=planar,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=signed,
        rescales=rescales,
        rescale_error=problem,
        modality_lut=lut,
        palette=palette,
        padding=padding,
        padding_error=padding_error,
        modality=modality,
        unit=unit,
        notes=tuple(attributes.notes),
    )


def _modality(attributes: Attributes) -> str:
    """Return what decides how values are scaled: Modality, or what the SOP Class says it is."""
    modality = (attributes.text(Tag.Modality) or "").upper()
    sop_class = attributes.uid(Tag.SOPClassUID)
    if modality != "RTDOSE" and sop_class == RT_DOSE_STORAGE:
        attributes.remark(
            "Modality (0008,0060) is not RTDOSE, but the SOP Class is: read as a dose",
            code="HDR_DOSE_MODALITY",
        )
        return "RTDOSE"
    if modality != "RTDOSE" and Tag.DoseGridScaling in attributes:
        attributes.remark(
            "DoseGridScaling (3004,000E) is present, but this is no RTDOSE: not applied",
            code="HDR_DOSE_SCALING_STRAY",
        )
    if not modality and sop_class == PET_IMAGE_STORAGE:
        return "PT"
    return modality


def _is_label_map(attributes: Attributes) -> bool:
    """Whether the values of the pixels are numbers of segments (PS3.3 C.8.20.2)."""
    return (
        attributes.text(Tag.SegmentationType) == "LABELMAP"
        or attributes.uid(Tag.SOPClassUID) == LABEL_MAP_STORAGE
    )


def _modality_lut(attributes: Attributes, signed: bool, is_float: bool) -> Lut | None:
    """Return the table that scales stored values; None where there is none, or it does not."""
    if Tag.ModalityLUTSequence in attributes and _is_fluoroscopy(attributes):
        attributes.remark(
            "ModalityLUTSequence (0028,3000) of an X-ray angiography or fluoroscopy leads back to "
            "beam intensity: reported, not applied",
            code="HDR_MODALITY_LUT_FLUOROSCOPY",
        )
        return None
    return read_modality_lut(attributes, signed, is_float)


def _is_fluoroscopy(attributes: Attributes) -> bool:
    """Whether the image is an XA or XRF, by its SOP Class, else by its Modality."""
    sop_class = attributes.uid(Tag.SOPClassUID)
    if not sop_class:
        return (attributes.text(Tag.Modality) or "").upper() in ("XA", "RF")
    return sop_class in FLUOROSCOPY_STORAGE


def _scales(
    attributes: Attributes, signed: bool, is_float: bool, frames: int, modality: str
) -> tuple[Lut | None, Rescales, PixelHeaderError | None]:
    """Return the Modality LUT, slopes and intercepts, and why they cannot be used."""
    lut = None
    try:
        lut = _modality_lut(attributes, signed, is_float)
        return lut, read_rescales(attributes, frames, modality), None
    except PixelHeaderError as error:
        problem = None if lut is not None else rescale_error(error)
        return lut, SAME, problem


def _padding(
    attributes: Attributes, tag: Tag, signed: bool
) -> tuple[tuple[float, float] | None, PixelHeaderError | None]:
    try:
        return read_padding(attributes, tag, signed), None
    except PixelHeaderError as error:
        text = f"{error.storable}: padding cannot be told apart"
        if tag is Tag.PixelData:
            attributes.remark(text, code="HDR_PADDING_INVALID")
        else:  # it is NaN, most likely, which is no oddity in float data
            attributes.notes.add(text, code="HDR_PADDING_INVALID")
        return None, error


def _unit(attributes: Attributes, modality: str, has_lut: bool, rescales: Rescales) -> str:
    if modality == "RTDOSE":
        return attributes.text(Tag.DoseUnits) or "unspecified"
    if has_lut:
        items = attributes.items(Tag.ModalityLUTSequence)
        return items[0].text(Tag.ModalityLUTType) or "unspecified"
    # In a PET, Units says more than the "US" of Rescale Type.
    if modality == "PT" and (unit := attributes.text(Tag.Units)):
        return unit
    units = {unit for unit in rescales.units if unit}
    if len(units) > 1:
        return "differs from frame to frame"
    if units:
        return units.pop()
    if modality == "CT":  # PS3.3 C.8.2.1: Hounsfield units where Rescale Type is not given
        return "HU"
    return "unspecified"


def _report(attributes: Attributes, photometric: str, in_groups: set[int]) -> None:
    """Note what a reader of the values may want to know of, and the loader never applies."""
    add = attributes.notes.add
    mapping = Tag.RealWorldValueMappingSequence
    if mapping in attributes or mapping in in_groups:
        add(
            "RealWorldValueMappingSequence (0040,9096) is present: reported, not applied",
            code="HDR_REAL_WORLD_VALUES",
        )
    if Tag.WindowCenter in attributes or Tag.FrameVOILUTSequence in in_groups:
        add("WindowCenter (0028,1050) is present: reported, not applied", code="HDR_WINDOW")
    if _has_philips_scale(attributes):
        add(
            "Philips' private scale (2005,xx0E) is present: reported, not applied",
            code="HDR_PHILIPS_SCALE",
        )
    if attributes.text(Tag.PresentationLUTShape) == "INVERSE" and photometric != "MONOCHROME1":
        add(
            "PresentationLUTShape (2050,0020) is INVERSE: reported, not applied",
            code="HDR_LUT_SHAPE_INVERSE",
        )
    if (presentation := attributes.text(Tag.PixelPresentation)) in ("COLOR", "MIXED"):
        add(
            f"PixelPresentation (0008,9205) is {presentation}: colour is not applied",
            code="HDR_COLOR_PRESENTATION",
        )
    if attributes.text(Tag.BurnedInAnnotation) == "YES":
        add(
            "BurnedInAnnotation (0028,0301) is YES: the pixels hold text, which stays",
            code="HDR_BURNED_IN",
        )
    if attributes.text(Tag.SegmentationType) == "FRACTIONAL":
        add(
            "fractional segmentation: values are not divided by MaximumFractionalValue (0062,000E)",
            code="HDR_FRACTIONAL_SEGMENTATION",
        )


def _tags_of_groups(attributes: Attributes, problem: PixelHeaderError | None) -> set[int]:
    """Return the tags in functional groups; none where they are broken, which is no error here."""
    try:
        return attributes.tags_of_groups()
    except PixelHeaderError as error:
        say = attributes.notes.add if problem else attributes.remark  # an error says it, or a word
        say(f"{error.storable}: what it may report is not known", code="HDR_GROUPS_BROKEN")
        return set()


def _has_philips_scale(attributes: Attributes) -> bool:
    """Whether a private block of Philips in group 2005 holds Scale Slope (PS3.5 7.8.1)."""
    tags = attributes.dataset.keys()
    creators = [tag for tag in tags if int(tag) in PHILIPS_CREATORS]
    return any(
        (attributes.text(tag) or "").startswith("Philips")
        and (tag & 0xFF) << 8 | PHILIPS_SCALE_SLOPE in attributes
        for tag in creators
    )
