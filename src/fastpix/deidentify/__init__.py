"""De-identified copies of DICOM files, audited before they have a name.

In: files, and what may be kept of them. Out: copies, or the reason why there is none.
Stands on: leaves, standard, source, header, plan, frames, image, series, job, view, redaction.
"""
