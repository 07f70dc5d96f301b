"""Findings about headers that can be read, and may still mislead."""

from __future__ import annotations

from fastpix.audit.findings.finding import CatalogueEntry as Entry

_WRITER = "The writer does not follow the standard."

VALUE_FINDINGS = (
    Entry(
        "HDR_SIZE_UNUSABLE", "error", "Rows or Columns is missing or 0",
        _WRITER, "The image fails.", "PS3.3 C.7.6.3", "Correct the files, or exclude the source.",
    ),
    Entry(
        "HDR_BITS_ALLOCATED_UNUSABLE", "error", "Bits Allocated is missing, or not 1, 8, 16 or 32",
        _WRITER, "The image fails.", "PS3.5 8.1.1", "Correct the files, or exclude the source.",
    ),
    Entry(
        "HDR_TRANSFER_SYNTAX_WRONG", "error", "The transfer syntax is unknown or does not fit",
        "Software has decompressed the pixels and kept the old transfer syntax, or the reverse; or "
        "the UID is none of the standard's: cut off, or a maker's own.",
        "The image fails.", "PS3.5 A.4", "Correct Transfer Syntax UID (0002,0010).",
    ),
    Entry(
        "HDR_UNUSABLE", "error", "Another attribute that decides about pixels is unusable",
        "It is missing, impossible, or occurs twice with different values.",
        "The image fails: a guess could be wrong, and nothing would tell.", "PS3.3 C.7.6.3",
        "Correct the files, or exclude the source.",
    ),
    Entry(
        "HDR_XRAY_SIGNED", "warning", "Signed values in DX, MG or IO",
        _WRITER, "Negative values where a model expects none.", "PS3.3 C.8.11.3",
        "Compare the range of values with that of other sources.",
    ),
    Entry(
        "HDR_XRAY_RESCALE", "warning", "A slope other than 1, or an intercept, in DX, MG or IO",
        _WRITER,
        "Values are on another scale than those of other X-ray sources, or turned over by a "
        "negative slope.",
        "PS3.3 C.8.11.3", "Compare the histogram with those of other sources.",
    ),
    Entry(
        "HDR_XRAY_MODALITY_LUT", "warning", "A Modality LUT in DX, MG or IO",
        _WRITER, "Values are on another scale than those of other X-ray sources.",
        "PS3.3 C.8.11.3", "Compare the histogram with those of other sources.",
    ),
    Entry(
        "HDR_XRAY_BITS", "warning", "Bits Allocated or Bits Stored that DX, MG and IO may not have",
        _WRITER, "Values are on another scale than those of other X-ray sources.",
        "PS3.3 C.8.11.3", "Compare the histogram with those of other sources.",
    ),
    Entry(
        "HDR_SLOPE_NEGATIVE", "warning", "Rescale Slope is negative",
        "Some devices turn values over by the slope.",
        "Low stored values become high: the image is a negative of what is stored.",
        "PS3.3 C.11.1.1.2", "Look at the samples both ways round before you accept the source.",
    ),
    Entry(
        "HDR_LUT_SHAPE_DISAGREES", "warning",
        "Presentation LUT Shape contradicts Photometric Interpretation",
        "In DX, MG and IO, MONOCHROME2 goes with IDENTITY and MONOCHROME1 with INVERSE.",
        "One of the two is wrong: the image may be turned over.", "PS3.3 C.8.11.3.1.2",
        "Look at the samples both ways round before you accept the source.",
    ),
    Entry(
        "HDR_FOR_PROCESSING", "note", "For Processing",
        "The image holds what the detector measured, before it was prepared for the eye.",
        "Another scale, often the other polarity: do not mix with For Presentation unasked.",
        "PS3.3 C.8.11.1", "Train on one kind, or give the model both on purpose.",
    ),
    Entry(
        "HDR_WINDOW_INVALID", "warning", "A window that cannot be applied",
        "Window Width is below 1 (LINEAR) or not above 0, or center and width do not pair.",
        "None: no loader applies a window. A picture for people may be black.",
        "PS3.3 C.11.2.1.2", "Nothing to do for training.",
    ),
    Entry(
        "HDR_WINDOW_MISSING", "note", "Neither a window nor a VOI LUT",
        "The device leaves the window to the viewer.",
        "None: no loader applies a window.", "PS3.3 C.11.2", "Nothing to do.",
    ),
    Entry(
        "HDR_LOSSY", "note", "Compressed with loss",
        "The transfer syntax loses, or Lossy Image Compression (0028,2110) says 01.",
        "A model learns the artefacts of the codec, which tell sources apart.",
        "PS3.3 C.7.6.1.1.5", "Do not let compression go along with a label.",
    ),
    Entry(
        "HDR_MULTI_FRAME", "note", "Several frames in one file",
        "Cine loops, tomosynthesis, and enhanced CT and MR keep all frames in one file.",
        "An image has a further axis.", "PS3.3 C.7.6.6", "Choose frames, or read volumes.",
    ),
    Entry(
        "HDR_COLOR", "note", "Colour",
        "Ultrasound, endoscopy, pathology and screenshots are in colour.",
        "An image has a further axis of 3, and no unit.", "PS3.3 C.7.6.3.1.2",
        "Exclude the source, if it should be gray: it may be a screenshot.",
    ),
    Entry(
        "HDR_CHARACTERS", "note", "Manufacturer, model or software holds control characters",
        _WRITER, "Files of one device may be taken for several sources.", "PS3.5 6.1",
        "Compare the sources on the page.",
    ),
)  # fmt: skip
