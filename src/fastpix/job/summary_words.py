"""What is said of the files of a job at its end."""

from __future__ import annotations

from typing import NamedTuple


class SummaryWords(NamedTuple):
    """What files are called by what became of them, and what to do next."""

    done: str = "converted"
    present: str = "done in an earlier run, and unchanged"
    not_images: str = "not images"
    left_out: str = "left out by --only, or by a decision in --sources"
    again: str = "failed in an earlier run, and unchanged (--retry-failed tries again)"
    vanished: str = "still in the cache, but not in the source any more (--prune removes them)"
    failed: str = "failed"
    next_step: str = (
        "fastpix.open_cache(DST) reads the cache; fastpix.read_manifest(DST) is its table"
    )
    failed_step: str = "which files failed: fastpix locate DST in a terminal"


CONVERTED = SummaryWords()
COPIED = SummaryWords(
    done="copied",
    present="looked at in an earlier run, and unchanged",
    not_images="not DICOM",
    left_out="refused by a person",
    again="refused in an earlier run, and unchanged (--retry-failed tries again)",
    vanished="copies whose originals are not in the source any more (--prune removes them)",
    failed="refused",
    next_step="the copies are in DST/copies; keep DST.key, and keep it to yourself",
    failed_step="which files were refused: fastpix locate SRC DST in a terminal",
)
