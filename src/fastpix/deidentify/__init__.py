"""De-identified copies: an instance and a key go in, an audited copy or a reason comes out.

A tested library does the rules of PS3.15 Annex E behind `engine`; `corrections` repairs what the
IOD demands, `writing` makes the file, and `copy_audit`, which knows neither, reads it again.
Stands on errors, standard, pseudonyms and header.
"""
