"""Tables of the DICOM standard: tags, VRs, transfer syntaxes, names of decoders.

In: nothing. Out: constants and look-ups that hold no rule of ours.
Stands on: nothing.
"""
