"""Findings about geometry, and about many files together."""

from __future__ import annotations

from fastpix.audit.findings.finding import CatalogueEntry as Entry

_NO_VOLUME = "The series makes no volume; single images are read all the same."

GEOMETRY_FINDINGS = (
    Entry(
        "GEO_NO_SPACING", "note", "No spacing of pixels",
        "Secondary captures, ultrasound and old radiographs have none.",
        "Sizes in millimetres are unknown: resampling and measuring are impossible.",
        "PS3.3 10.7", "Do not mix with sources that are resampled.",
    ),
    Entry(
        "GEO_DETECTOR_SPACING", "note", "Imager Pixel Spacing alone",
        "It is measured at the detector, which lies behind the patient.",
        "Anatomy appears larger by the unknown magnification.", "PS3.3 10.7.1.3",
        "Treat lengths as estimates.",
    ),
    Entry(
        "GEO_SPACING_UNUSUAL", "warning", "A spacing outside 0.05 to 1 mm in a radiograph",
        "Units or the order of values are wrong, or the image is a screenshot.",
        "Resampling gives an image of the wrong size.", "PS3.3 10.7",
        "Compare with the size of the field in millimetres.",
    ),
    Entry(
        "GEO_MISSING_SLICES", "warning", "Slices are missing",
        "A transfer was incomplete.", _NO_VOLUME, "PS3.3 C.7.6.2",
        'Fetch the missing slices, or pass gaps="fill".',
    ),
    Entry(
        "GEO_IRREGULAR", "warning", "Slices at uneven distances",
        "Several scans in one series, positions that were rounded, or slices that are missing.",
        _NO_VOLUME, "PS3.3 C.7.6.2", "Read the slices one by one.",
    ),
    Entry(
        "GEO_UNEVEN", "warning", "Places hold different numbers of slices",
        "Several volumes in one series that no attribute tells apart.", _NO_VOLUME,
        "PS3.3 C.7.6.2", "Ask the maker which attribute tells the volumes apart.",
    ),
    Entry(
        "GEO_INCOMPLETE", "warning", "A volume of the series is incomplete",
        "A scan or a transfer was interrupted.", _NO_VOLUME, "PS3.3 C.7.6.2",
        "Fetch what is missing, or pass partial=True.",
    ),
    Entry(
        "GEO_SOP_CONFLICT", "warning", "One SOP Instance UID, different images",
        "Software has changed a file and kept its UID.",
        "Which file is right is unknown. " + _NO_VOLUME, "PS3.5 9.1",
        "Find out which file is right, and remove the other.",
    ),
    Entry(
        "GEO_MOSAIC_UNKNOWN", "warning", "A mosaic whose number of slices is unknown",
        "Private elements were removed by a tool for de-identification.", _NO_VOLUME, "",
        "Fetch the series again with its private elements.",
    ),
    Entry(
        "GEO_NO_GEOMETRY", "note", "No position in space",
        "Radiographs, ultrasound and secondary captures have none.",
        "There is no affine; a stack is in the order of its numbers.", "PS3.3 C.7.6.2",
        "Nothing to do for single images.",
    ),
    Entry(
        "GEO_BAD_GEOMETRY", "warning", "Position, orientation or spacing cannot be used",
        "A value is no number, or directions are not at right angles.",
        "The stack has no affine.", "PS3.3 C.7.6.2", "Look at the series before you accept it.",
    ),
    Entry(
        "GEO_TILT", "note", "A tilted gantry",
        "Slices are offset against each other, as in CT of the head.",
        "An array without its affine is sheared: anatomy leans.", "PS3.3 C.8.2.1.1",
        "Resample to a straight grid.",
    ),
    Entry(
        "GEO_MIXED", "warning", "An attribute of acquisition changes within a volume",
        "Echo time, b-value, kernel or voltage differs from slice to slice.",
        "Neighbouring slices differ in contrast.", "", "Split the series by this attribute.",
    ),
    Entry(
        "GEO_DETECTOR_PLANE", "warning", "A stack whose spacing is that of the detector",
        "It has Imager Pixel Spacing alone.",
        "Anatomy appears larger by the unknown magnification.", "PS3.3 10.7.1.3",
        "Treat lengths as estimates.",
    ),
    Entry(
        "GEO_NO_THICKNESS", "note", "A single slice whose thickness is unknown",
        "Slice Thickness is missing.", "The third spacing of its affine is 1 mm, a convention.",
        "PS3.3 C.7.6.2", "Do not measure along this axis.",
    ),
    Entry(
        "GEO_DUPLICATES", "note", "Slices that repeat others",
        "They were sent twice.", "They are dropped from volumes; single images are read twice.",
        "PS3.5 9.1", "Remove the copies.",
    ),
    Entry(
        "GEO_ROUNDED", "note", "Positions are rounded",
        "The writer keeps few decimals.", "None: the grid is that from first to last.",
        "PS3.3 C.7.6.2", "Nothing to do.",
    ),
    Entry(
        "GEO_SPACING_CONTRADICTS", "note", "Spacing Between Slices contradicts positions",
        "Some makers write the gap, or the thickness, into it.",
        "None here: positions count. A reader that uses it gives a wrong spacing.",
        "PS3.3 C.7.6.2", "Nothing to do.",
    ),
    Entry(
        "GEO_OTHER", "note", "Something else about geometry",
        "The text says what.", "", "", "Look at the series.",
    ),
)  # fmt: skip

SET_FINDINGS = (
    Entry(
        "SET_DUPLICATE_UID", "warning", "Files whose SOP Instance UID another file has",
        "Images were exported twice, or software has changed images and kept their UIDs.",
        "An image counts twice; it may be in training and in test.", "PS3.5 9.1",
        "Run convert with --duplicates first.",
    ),
    Entry(
        "SET_DUPLICATE_PIXELS", "warning", "Sampled images with the same pixels",
        "Images were sent again under new UIDs, or are blank.",
        "An image counts twice; it may be in training and in test.", "",
        "Compare all images by the checksums of the manifest.",
    ),
    Entry(
        "SET_MIXED_BITS", "warning", "A source stores in different bits",
        "Bits Stored or the sign differs from file to file: another protocol or another software.",
        "Values are on several scales within one source.", "PS3.5 8.1.1",
        "Split the source: --by manufacturer,model,modality,photometric,presentation,software.",
    ),
    Entry(
        "SET_MIXED_PHOTOMETRIC", "note", "A device writes both MONOCHROME1 and MONOCHROME2",
        "Protocols or software versions differ.",
        "One of the two may be declared wrongly.", "PS3.3 C.7.6.3.1.2",
        "Look at both sources before you accept them.",
    ),
    Entry(
        "SET_MIXED_SYNTAX", "note", "A source comes in several transfer syntaxes",
        "Archives compress some studies, or by age.",
        "Lossy beside lossless: a model may learn the codec.", "PS3.5 10",
        "Do not let compression go along with a label.",
    ),
    Entry(
        "SET_MIXED_RESCALE", "note", "A source has several slopes or intercepts",
        "PET and MR scale each image by itself; X-ray and CT do not.",
        "Stored values cannot be compared.", "PS3.3 C.11.1", "Never pass rescale=False.",
    ),
    Entry(
        "SET_SEVERAL_SOFTWARE", "note", "A source has several software versions",
        "A scanner was updated, or there are several of one model.",
        "An update may change values, even the polarity.", "PS3.3 C.7.5.1",
        "Look at samples of each version: --by with software.",
    ),
    Entry(
        "SET_INTENSITY_OUTLIER", "warning", "Sampled images far from the others of their source",
        "Another protocol, a failed exposure, or a file that is turned over.",
        "They pull on a normalization for all.", "", "Look at the samples.",
    ),
    Entry(
        "SET_OTHER_SCALE", "warning", "A source whose values live on another scale",
        "Its median lies far from those of all other sources of the modality and unit.",
        "A model tells the source by its values, and its labels with it.", "",
        "Normalize each source, or exclude this one.",
    ),
)  # fmt: skip
