"""De-identified copies: an instance and a key go in, an audited copy or a reason comes out.

A tested library does the rules of PS3.15 Annex E behind `engine`; `corrections` repairs what the
IOD demands, `pixels` blanks what people have said, `writing` makes the file, and `copy_audit`,
which knows none of them, reads it again.
Stands on: leaves, standard, redaction, source, header, plan, frames, image, series, job, view.
"""
