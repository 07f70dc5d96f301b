"""The catalogue of findings by their ids, and the page that shows it."""

from __future__ import annotations

from fastpix.audit.findings.file_findings import FILE_FINDINGS
from fastpix.audit.findings.finding import CatalogueEntry
from fastpix.audit.findings.geometry_findings import GEOMETRY_FINDINGS, SET_FINDINGS
from fastpix.audit.findings.header_findings import HEADER_FINDINGS
from fastpix.audit.findings.pixel_findings import PIXEL_FINDINGS
from fastpix.audit.findings.value_findings import VALUE_FINDINGS

CATALOGUE = {
    entry.id: entry
    for entry in (
        *FILE_FINDINGS,
        *sorted((*HEADER_FINDINGS, *VALUE_FINDINGS)),
        *PIXEL_FINDINGS,
        *GEOMETRY_FINDINGS,
        *SET_FINDINGS,
    )
}
"""All findings, in the order of the page."""

_KINDS = {
    "FILE": "Files",
    "HDR": "Headers",
    "PIX": "Pixels",
    "GEO": "Geometry",
    "SET": "Many files together",
}
_HEAD = """\
# Findings

What `fastpix audit` finds has an id that never changes. Each is counted for each source: in files,
those about pixels in sampled images, and those about geometry in series.

*error*: the image cannot be read. *warning*: its values may mislead. *note*: worth knowing.
"""


def findings_page() -> str:
    """Return docs/findings.md."""
    parts = [_HEAD]
    for prefix, title in _KINDS.items():
        parts.append(f"## {title}\n")
        parts += [_section(e) for e in CATALOGUE.values() if e.id.startswith(f"{prefix}_")]
    return "\n".join(parts)


def _section(entry: CatalogueEntry) -> str:
    rows = [
        ("Cause", entry.cause),
        ("Consequence for a model", entry.consequence),
        ("Rule", entry.rule),
        ("What to do", entry.remedy),
    ]
    lines = [f"* {name}: {text}" for name, text in rows if text]
    return "\n".join([f"### {entry.id}\n", f"{entry.title} (*{entry.weight}*).\n", *lines, ""])
