"""Findings about pixels: of the sampled images, and of how frames are stored."""

from __future__ import annotations

from fastpix.audit.findings.finding import CatalogueEntry as Entry

_LOOK = "Look at the sample."

PIXEL_FINDINGS = (
    Entry(
        "PIX_CONSTANT", "warning", "All pixels have one value",
        "A blank exposure, a failed reconstruction, or a mask without a segment.",
        "The image teaches nothing, or that its label goes with nothing.", "", "Leave these out.",
    ),
    Entry(
        "PIX_ALL_PADDING", "warning", "All pixels are padding",
        "A blank exposure, or a wrong Pixel Padding Value.",
        "The image teaches nothing.", "PS3.3 C.7.5.1.1.2", _LOOK,
    ),
    Entry(
        "PIX_MOSTLY_PADDING", "note", "More than 80 % of pixels are padding",
        "A small field on a large detector, or a wrong Pixel Padding Value.",
        "Normalizing by the whole image is decided by padding.", "PS3.3 C.7.5.1.1.2",
        "Pass padding=, or crop.",
    ),
    Entry(
        "PIX_NOT_FINITE", "warning", "NaN or infinite values",
        "Float data marks what was not measured so.",
        "One NaN makes the loss of a batch NaN.", "PS3.3 C.7.6.24", "Replace them on loading.",
    ),
    Entry(
        "PIX_BEYOND_FLOAT32", "error", "Values that float32 cannot hold",
        "Rescale Slope or Intercept is wrong, or Double Float Pixel Data has greater values.",
        "The image fails, unless dtype='float64' is asked for.", "PS3.3 C.11.1",
        "Look at the header; exclude the source, or correct the files.",
    ),
    Entry(
        "PIX_LOW_CONTRAST", "warning", "Very low contrast",
        "From percentile 1 to 99, values span less than 5 % of what the image spans.",
        "A few pixels (markers, metal) decide a normalization by minimum and maximum.", "",
        "Normalize by percentiles.",
    ),
    Entry(
        "PIX_SATURATED_LOW", "warning", "Many pixels have the least value",
        "The detector or a conversion has clipped; or the image has a black mask that no header "
        "declares as padding.",
        "What lay below is lost; a mask counts as image.", "",
        "Compare with the share of the other sources.",
    ),
    Entry(
        "PIX_SATURATED_HIGH", "warning", "Many pixels have the greatest value",
        "The detector or a conversion has clipped.",
        "What lay above is lost: bone, metal, contrast medium.", "",
        "Compare with the share of the other sources.",
    ),
    Entry(
        "PIX_WINDOW_CLIPS", "note", "The window of the header clips most pixels",
        "More than half of all pixels lie above the window, or more than 90 % outside of it.",
        "None: no loader applies a window. A tool that does gives a white or black picture.",
        "PS3.3 C.11.2.1.2", "Do not apply the window of the header.",
    ),
    Entry(
        "PIX_GARBAGE_BITS", "warning", "Bits above Bits Stored are not empty",
        "Overlays, padding or a maker's flags lie in the unused bits of the cells.",
        "None here: they are masked. A reader that keeps them gives values that are far too large.",
        "PS3.5 8.1.1", "Do not mix caches of several readers.",
    ),
    Entry(
        "PIX_BITS_UNUSED", "note", "Values need fewer bits than Bits Stored says",
        "All values of a sample lie in a quarter, or less, of what Bits Stored can hold.",
        "Mirroring by invert='range', and a normalization by bits, leave an image dark.",
        "PS3.5 8.1.1", "Normalize by percentiles.",
    ),
    Entry(
        "PIX_TEXT_FOUND", "warning", "Text may be burned into the pixels",
        "A device, a workstation or a scanner has written names, marks or measurements over the "
        "image; or structures look like letters.",
        "The image may identify a patient. A model learns marks instead of anatomy.",
        "PS3.3 C.7.6.1", "Look at the boxes. Samples without a box may have text as well.",
    ),
    Entry(
        "PIX_SMALL", "note", "A radiograph of fewer than 512 rows or columns",
        "A thumbnail, a crop, or a screenshot.",
        "Detail that a model needs is not there.", "", _LOOK,
    ),
    Entry(
        "PIX_DECODE_FAILED", "error", "A frame cannot be decoded",
        "The codestream is damaged, or of a kind that no installed decoder knows.",
        "The image fails.", "PS3.5 8.2", "Fetch the file again.",
    ),
    Entry(
        "PIX_DATA_WRONG", "error", "Pixel Data does not fit the header",
        "The number of frames, the size of a frame or the precision of the codestream differs.",
        "The image fails.", "PS3.5 8.2", "Fetch the file again, or correct the header.",
    ),
    Entry(
        "PIX_DECODERS_DIFFER", "warning", "Two installed decoders do not agree",
        "Lossy JPEG is exact only per decoder; for other syntaxes one of the two is wrong.",
        "A cache that is made elsewhere has other values.", "PS3.5 8.2",
        "Pin one decoder for all machines: decoder=.",
    ),
    Entry(
        "PIX_CODESTREAM_WIDER", "warning", "A codestream has more bits than Bits Stored",
        "The encoder was given other bits than the header names.",
        "Samples are masked (lossless) or clipped (lossy).", "PS3.5 8.2",
        "Compare the histogram with those of other sources.",
    ),
    Entry(
        "PIX_COLORS_CONTRADICT", "warning", "Markers of a JPEG name other colours than the header",
        "Software has changed one and not the other.",
        "Frames are converted by the evidence. Readers split on these files.", "PS3.5 8.2.1", _LOOK,
    ),
    Entry(
        "PIX_OFFSET_TABLE_WRONG", "warning", "An offset table does not fit the fragments",
        "The writer has counted wrongly, or frames were removed.",
        "It is not used.", "PS3.5 A.4", "Nothing to do.",
    ),
    Entry(
        "PIX_EMPTY_FRAGMENTS", "warning", "Fragments without a byte",
        "The writer does not follow the standard.", "They are left out.", "PS3.5 A.4",
        "Nothing to do.",
    ),
    Entry(
        "PIX_FRAMES_BEYOND", "warning", "More frames than Number of Frames says",
        "Number of Frames is wrong.", "Frames beyond it are not read.", "PS3.3 C.7.6.6", _LOOK,
    ),
    Entry(
        "PIX_RLE_FRAGMENTS", "note", "An RLE frame in several fragments",
        "The writer does not follow the standard.", "They are joined.", "PS3.5 G.2",
        "Nothing to do.",
    ),
    Entry(
        "PIX_BYTES_BEYOND", "warning", "More bytes than the frames need",
        "Number of Frames or the size of a frame is too small, or the writer has padded.",
        "They are not read: frames may be missing.", "PS3.5 8.1.1", _LOOK,
    ),
    Entry(
        "PIX_ONE_BIT_PADDED", "warning", "Frames of one bit, each padded to whole bytes",
        "The writer does not follow the standard.", "They are read without the padding.",
        "PS3.5 8.1.1", "Look at a frame behind the first.",
    ),
)  # fmt: skip
