"""What the script of the page is told: the verdicts of ``sources.toml``, as JSON inside HTML."""

from __future__ import annotations

import json
from typing import Any

from fastpix.audit.audit_files import what_of
from fastpix.audit.record import Audit
from fastpix.sources.verdict_writing import head_of
from fastpix.sources.verdicts import VERSION, Verdicts


def verdicts_of_page(audit: Audit, verdicts: Verdicts) -> dict[str, Any]:
    """Return the verdicts that the page begins with.

    Parameters
    ----------
    audit : Audit
    verdicts : Verdicts
        Of ``sources.toml``, in its order; those of sources that this audit has not found stay.

    Returns
    -------
    dict
        ``head`` is what stands in the file before the first source; ``shown`` are the ids of this
        audit.
    """
    whats = {source: each.what for source, each in verdicts.verdicts.items()}
    if audit.pseudonymous:  # an earlier audit may have written the names into the file
        named = {record.id: what_of(record, audit.by) for record in audit.sources}
        whats = {source: named.get(source, "") for source in whats}
    return {
        "version": VERSION,
        "key": verdicts.key,
        "by": list(verdicts.by),
        "made": audit.made,
        "head": head_of(verdicts),
        "shown": [record.id for record in audit.sources],
        "sources": [
            {
                "id": source,
                "what": whats[source],
                "status": each.status,
                "by": each.by,
                "when": "" if each.when is None else each.when.isoformat(),
                "note": each.note,
                "software": None if each.software is None else list(each.software),
                "was": each.was,
            }
            for source, each in verdicts.verdicts.items()
        ],
    }


def json_in_html(value: Any) -> str:
    """Return JSON that no text in it can end the element it stands in with.

    Parameters
    ----------
    value : object
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # As escapes of JSON, which its readers take back.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode()
