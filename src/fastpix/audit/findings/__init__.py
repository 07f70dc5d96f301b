"""What can be found in images, and which of it applies to a file, a sample or a source.

In: headers, errors, numbers of pixels. Out: ids of the catalogue, each with a text of our own.
Stands on: errors, notes, standard, header, series.
"""

from fastpix.audit.findings.catalogue import CATALOGUE, findings_page

__all__ = ["CATALOGUE", "findings_page"]
