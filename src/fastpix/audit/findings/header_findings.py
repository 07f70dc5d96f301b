"""Findings about headers that were read over: the notes of `fastpix.header` have these ids."""

from __future__ import annotations

from fastpix.audit.findings.finding import CatalogueEntry as Entry

_GUESS = "None if the rule holds; a file of which it does not hold is read wrongly."
_WRITER = "The writer does not follow the standard."
_ASK = "Look at a sample; report it to the maker."

HEADER_FINDINGS = (
    Entry(
        "HDR_SAMPLES_MISSING", "warning", "Samples per Pixel is missing",
        _WRITER, "It is read as 1. " + _GUESS, "PS3.3 C.7.6.3.1.1", _ASK,
    ),
    Entry(
        "HDR_PHOTOMETRIC_MISSING", "warning", "Photometric Interpretation is missing",
        _WRITER,
        "It is read as MONOCHROME2 (RGB with 3 samples). An image that is MONOCHROME1 is then "
        "turned over, and nothing tells.",
        "PS3.3 C.7.6.3.1.2", "Look at the samples both ways round before you accept the source.",
    ),
    Entry(
        "HDR_PLANAR_MISSING", "warning", "Planar Configuration is missing in a colour image",
        _WRITER, "It is read as 0. Wrong colours and stripes if it is 1.", "PS3.3 C.7.6.3.1.3",
        _ASK,
    ),
    Entry(
        "HDR_BITS_STORED_MISSING", "warning", "Bits Stored is missing or 0",
        _WRITER, "It is read as Bits Allocated: garbage in unused bits would count as values.",
        "PS3.3 C.7.6.3", "Compare the range of values with that of other sources.",
    ),
    Entry(
        "HDR_HIGH_BIT_MISSING", "note", "High Bit is missing",
        _WRITER, "It is read as Bits Stored - 1, which is what the standard asks for.",
        "PS3.5 8.1.1", "Nothing to do.",
    ),
    Entry(
        "HDR_HIGH_BIT_IMPOSSIBLE", "warning", "High Bit lies outside what the cells have",
        _WRITER, "It is read as Bits Stored - 1. " + _GUESS, "PS3.5 8.1.1", _ASK,
    ),
    Entry(
        "HDR_HIGH_BIT_UNUSUAL", "warning", "High Bit is not Bits Stored - 1",
        "Values are stored in the upper bits of the cells.",
        "None here: the bits are shifted. Other readers give values that are too large by a "
        "power of two: do not mix caches of several readers.",
        "PS3.5 8.1.1", "Read these files with one reader.",
    ),
    Entry(
        "HDR_PIXEL_REPRESENTATION_MISSING", "warning", "Pixel Representation is missing",
        _WRITER, "Values are read as unsigned. Negative ones would become very large.",
        "PS3.3 C.7.6.3", "Look at the histogram: a second hump at the upper end is the sign.",
    ),
    Entry(
        "HDR_PADDING_LIMIT_ALONE", "warning", "Pixel Padding Range Limit without a value",
        _WRITER, "No pixel is read as padding: padding counts as image.", "PS3.3 C.7.5.1.1.2",
        "Look at the border of a sample.",
    ),
    Entry(
        "HDR_PADDING_INVALID", "warning", "Pixel Padding Value is no number",
        _WRITER, "Padding cannot be told apart, and counts as image.", "PS3.3 C.7.5.1.1.2",
        "Look at the border of a sample.",
    ),
    Entry(
        "HDR_PADDING_OUT_OF_RANGE", "note", "Pixel Padding Value is none that cells can have",
        "A CT with Bits Stored 12 and padding -2000 in 16 bits is the usual case.",
        "No pixel is padding by the header. If garbage bits hold it, the mask takes them away.",
        "PS3.3 C.7.5.1.1.2", "Look at the border of a sample.",
    ),
    Entry(
        "HDR_PADDING_IN_MONOCHROME1", "warning", "MONOCHROME1 with Pixel Padding Value",
        "Computed radiography pads outside the collimator.",
        "Padding decides the maximum by which the image is turned over, so that contrast differs "
        "from file to file.",
        "PS3.3 C.7.5.1.1.2", "Pass padding=, and invert='range'.",
    ),
    Entry(
        "HDR_VALUE_REPEATED", "warning", "A list where one number belongs",
        _WRITER, "All values are equal: the number is taken once.", "PS3.5 6.4", "Nothing to do.",
    ),
    Entry(
        "HDR_VR_UNEXPECTED", "warning", "A number under an unusual VR, or in text",
        _WRITER, "It is read as a number. Other readers may not.", "PS3.5 6.2", "Nothing to do.",
    ),
    Entry(
        "HDR_DECIMAL_COMMA", "warning", "A decimal comma",
        "The writer used the locale of its computer.",
        "It is read as a point. A reader that stops at the comma loses the fraction.",
        "PS3.5 6.2", "Nothing to do here; do not mix caches of several readers.",
    ),
    Entry(
        "HDR_SLOPE_ZERO", "warning", "Rescale Slope is 0",
        "Some makers write 0 for an attribute that is absent.",
        "It is read as 1. A reader that obeys it gives an image of one value.",
        "PS3.3 C.11.1.1.2", "Compare the range of values with that of other sources.",
    ),
    Entry(
        "HDR_RESCALE_UNUSABLE", "error", "Rescale Slope, Intercept or Modality LUT is unusable",
        "The number cannot be parsed, values differ, or functional groups are broken.",
        "There are no modality values: the image fails unless stored values are asked for.",
        "PS3.3 C.11.1", "Correct the files, or exclude the source.",
    ),
    Entry(
        "HDR_GROUPS_PARTIAL", "warning", "Some frames have no rescale of their own",
        _WRITER, "Shared or top level values are used for these frames.", "PS3.3 C.7.6.16.2.9",
        "Compare the statistics of frames.",
    ),
    Entry(
        "HDR_GROUPS_TOO_MANY", "warning", "More functional groups than frames",
        "Frames were removed, and their groups were not.",
        "Groups beyond the frames are not used; the others may belong to other frames.",
        "PS3.3 C.7.6.16", "Look at the order of slices.",
    ),
    Entry(
        "HDR_GROUPS_BROKEN", "warning", "Functional groups that cannot be parsed",
        _WRITER, "Stored values are read; what the groups may report is not known.",
        "PS3.5 7.5", _ASK,
    ),
    Entry(
        "HDR_LUT_TOO_LONG", "note", "A look-up table is longer than its descriptor says",
        _WRITER, "The first entries are used.", "PS3.3 C.11.1.1.1", _ASK,
    ),
    Entry(
        "HDR_LUT_BITS", "warning", "A look-up table holds larger entries than its bits allow",
        _WRITER, "16 bits are assumed, which changes the range of values.", "PS3.3 C.11.1.1.1",
        _ASK,
    ),
    Entry(
        "HDR_MODALITY_LUT_EMPTY", "warning", "A Modality LUT without a descriptor",
        _WRITER, "It is read as absent.", "PS3.3 C.11.1.1", _ASK,
    ),
    Entry(
        "HDR_MODALITY_LUT_AND_RESCALE", "warning", "A Modality LUT, and slope and intercept too",
        _WRITER, "The table is applied, slope and intercept are not.", "PS3.3 C.11.1",
        "Compare the range of values with that of other sources.",
    ),
    Entry(
        "HDR_MODALITY_LUT_FLUOROSCOPY", "note", "A Modality LUT in fluoroscopy, not applied",
        "In XA and XRF the table leads back to the intensity of the beam.",
        "Values are those that the maker means for the eye.", "PS3.3 C.8.7.1.1.2",
        "Nothing to do.",
    ),
    Entry(
        "HDR_DOSE_MODALITY", "warning", "An RT Dose under another modality",
        _WRITER, "It is read as a dose, by its SOP Class.", "PS3.3 C.8.8.3", _ASK,
    ),
    Entry(
        "HDR_DOSE_SCALING_STRAY", "note", "Dose Grid Scaling in an image that is no dose",
        _WRITER, "It is not applied.", "PS3.3 C.8.8.3", "Nothing to do.",
    ),
    Entry(
        "HDR_LABEL_MAP", "note", "A label map with a palette",
        "Label map segmentations may carry colours for the eye.",
        "Values are numbers of segments: labels, not images.", "PS3.3 C.8.20.2",
        "Keep these files out of the images of a model.",
    ),
    Entry(
        "HDR_FRACTIONAL_SEGMENTATION", "note", "A fractional segmentation",
        "Values are probabilities or shares, as integers.",
        "Values are not divided by Maximum Fractional Value.", "PS3.3 C.8.20.2",
        "Divide them, if you need shares.",
    ),
    Entry(
        "HDR_REAL_WORLD_VALUES", "note", "Real World Value Mapping is present",
        "The file has a second scale beside slope and intercept.",
        "It is not applied: values differ from those of a reader that does.",
        "PS3.3 C.7.6.16.2.11", "Decide for one scale for all sources.",
    ),
    Entry(
        "HDR_PHILIPS_SCALE", "note", "Philips' private scale is present",
        "Philips MR keeps the scale of quantitative values in private elements.",
        "It is not applied: intensities differ from series to series.", "",
        "Normalize each series, or apply the private scale yourself.",
    ),
    Entry(
        "HDR_WINDOW", "note", "Window Center is present",
        "The window is a hint for the eye.",
        "None: no loader applies it.", "PS3.3 C.11.2.1.2", "Nothing to do.",
    ),
    Entry(
        "HDR_LUT_SHAPE_INVERSE", "note", "Presentation LUT Shape is INVERSE",
        "The image is to be turned over for the eye, whatever Photometric Interpretation says.",
        "It is not applied: with MONOCHROME2 the values may be those of a negative.",
        "PS3.3 C.11.6", "Look at the samples both ways round before you accept the source.",
    ),
    Entry(
        "HDR_COLOR_PRESENTATION", "note", "Pixel Presentation is COLOR or MIXED",
        "An enhanced image carries a palette for the eye.",
        "Colours are not applied.", "PS3.3 C.8.16.2.1.5", "Nothing to do.",
    ),
    Entry(
        "HDR_BURNED_IN", "warning", "Burned In Annotation is YES",
        "The device writes text into the pixels.",
        "The text may name the patient; a model may learn it.", "PS3.3 C.7.6.1",
        "Blank the text before images leave the hospital.",
    ),
    Entry(
        "HDR_ELEMENT_TWICE", "note", "An element occurs more than once",
        _WRITER, "Its values are equal: it is read once.", "PS3.5 7.1", "Nothing to do.",
    ),
    Entry(
        "HDR_TRANSFER_SYNTAX_MISSING", "warning", "Transfer Syntax UID is missing",
        "Old software writes a bare data set.",
        "It is taken from the encoding of the data set. " + _GUESS, "PS3.10 7.1", _ASK,
    ),
    Entry(
        "HDR_PIXEL_VR", "note", "Pixel Data has VR OX",
        _WRITER, "It is read as OW.", "PS3.5 8", "Nothing to do.",
    ),
    Entry(
        "HDR_PIXEL_LENGTH_UNDEFINED", "warning", "Native Pixel Data of undefined length",
        _WRITER, "It is read up to the end of the file: what follows it counts as pixels.",
        "PS3.5 A.4", _ASK,
    ),
    Entry(
        "HDR_YBR_422_FULL", "warning", "YBR_FULL_422 with all samples",
        "A decompressed JPEG kept the name of its colours.",
        "It is read as YBR_FULL.", "PS3.3 C.7.6.3.1.2", "Nothing to do.",
    ),
    Entry(
        "HDR_PALETTE_BITS", "note", "A palette of 16 bits whose entries have 8",
        _WRITER, "With color_range its entries are taken for 8 bits.", "PS3.3 C.7.6.3.1.5",
        "Nothing to do.",
    ),
)  # fmt: skip
