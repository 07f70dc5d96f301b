"""De-identified copies of a whole source: batches, review by people, and what is checked again.

In: sources, settings, a key. Out: a folder of audited copies with a manifest, which a run that is
killed leaves whole; what waits for a person, or is not audited yet, lies beside it.
Stands on: the rest of deidentify, job.
"""
