"""Findings about files: what is no image, and what is an image in part."""

from __future__ import annotations

from fastpix.audit.findings.finding import CatalogueEntry as Entry

FILE_FINDINGS = (
    Entry(
        "FILE_EMPTY", "error", "The file is empty",
        "A transfer was interrupted before the first byte, or a disk was full.",
        "The image is missing from training.", "",
        "Fetch the file again.",
    ),
    Entry(
        "FILE_PARTIAL_DOWNLOAD", "error", "The name is that of an unfinished download",
        "A browser or a transfer tool writes to a temporary name (.part, .crdownload, .tmp, "
        ".azDownload-) and renames the file at the end.",
        "The image is missing from training, or a part of it is read.", "",
        "Wait for the transfer, or start it again; remove what is left over.",
    ),
    Entry(
        "FILE_CUT_OFF", "error", "The file is cut off",
        "A transfer or a copy ended early: there are fewer bytes of pixels than the header needs.",
        "A reader that fills in zeros trains a model on images with a black lower part.",
        "PS3.5 8.1.1",
        "Fetch the file again.",
    ),
    Entry(
        "FILE_PIXELS_REMOVED", "error", "The header describes an image, but there are no pixels",
        "The file is cut off before its pixels, or an archive has sent the header alone.",
        "The image is missing from training.", "PS3.3 C.7.6.3",
        "Fetch the file again, with its pixels.",
    ),
    Entry(
        "FILE_DAMAGED", "error", "The elements of the file cannot be parsed",
        "Bytes were changed or lost, as by a transfer in text mode.",
        "The image is missing from training.", "PS3.5 7.1",
        "Fetch the file again.",
    ),
    Entry(
        "FILE_UNREADABLE", "error", "The file cannot be opened or read",
        "The account has no permission, the file has gone, or the storage has a fault.",
        "The image is missing from training.", "",
        "Correct the permissions, and run the audit again.",
    ),
    Entry(
        "FILE_CRASHES", "error", "Reading the file ends the process that reads it, or never ends",
        "A decoder crashed or hung on broken or hostile data, or the image needs more memory than "
        "there is; or fastpix has a fault, and the text names the line.",
        "The job loses the file, and the time of its workers.", "",
        "Leave the file out, or fetch it again; look at it on a machine of its own.",
    ),
    Entry(
        "FILE_NOT_DICOM", "note", "The file is not DICOM",
        "Viewers, lists, pictures and notes lie beside images on many media.",
        "None: the job leaves it out.", "PS3.10 7.1",
        "Nothing to do, unless it should have been an image.",
    ),
    Entry(
        "FILE_NO_PREAMBLE", "note", "The file has no preamble, or no File Meta Information",
        "Old software writes a bare data set.",
        "None here: the encoding is found from the data set. Other readers refuse the file.",
        "PS3.10 7.1",
        "Nothing to do; write it anew with a current tool if another reader needs it.",
    ),
    Entry(
        "FILE_HIDDEN", "note", "The name begins with a dot",
        "A Macintosh leaves a ._ file beside each file on foreign disks; they hold no image.",
        "None: what holds no image is left out.", "",
        "Leave these files out of copies.",
    ),
    Entry(
        "FILE_NO_DELIMITER", "warning", "Pixel Data ends without its delimiter",
        "The writer has forgotten it, or the file is cut off at the very end.",
        "None if all frames decode; else frames are missing.", "PS3.5 A.4",
        "Compare the size of the file with that in the archive.",
    ),
    Entry(
        "FILE_PRESENTATION_STATE", "note", "A presentation state",
        "It holds windows, annotations and shutters for images of other files.",
        "None: it is no image. Annotations in it may be labels.", "PS3.3 A.33",
        "Nothing to do.",
    ),
    Entry(
        "FILE_REPORT", "note", "A structured report, a key object selection or a document",
        "Archives keep reports beside images.",
        "None: it is no image. It may hold labels, and it holds personal data.", "PS3.3 A.35",
        "Nothing to do.",
    ),
    Entry(
        "FILE_DIRECTORY", "note", "A DICOMDIR",
        "Media have a directory of their files.",
        "None: it is no image. It holds personal data.", "PS3.3 F",
        "Nothing to do.",
    ),
    Entry(
        "FILE_OTHER_OBJECT", "note", "Another object without pixels",
        "Structure sets, plans, registrations, waveforms and raw data have no pixels.",
        "None: it is no image.", "PS3.3 A",
        "Nothing to do.",
    ),
    Entry(
        "FILE_DECODER_MISSING", "error", "No decoder for its transfer syntax is installed",
        "The pixels are compressed, and the library that decodes them is not installed here.",
        "The images are missing from training; mostly they all come from one source.",
        "PS3.5 10",
        "Install what the overview names.",
    ),
)  # fmt: skip
