"""What pages of help say of commands: their order, one line each, examples, rare options.

A command is named by what stands behind ``fastpix``.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "Look at files": ("info", "view", "series", "codecs"),
    "Make a cache to train from": ("demo", "convert", "scan"),
    "Use a cache": ("manifest", "stats", "join", "locate", "verify", "gc"),
    "Before and after": ("audit", "deidentify", "bench"),
}

SHORT: dict[str, str] = {
    "info": "what is done to each pixel of a file, and why",
    "view": "a file, series or sample of a cache as a picture for people",
    "series": "the volumes that a folder holds; --save writes them",
    "codecs": "the decoders of compressed files, and which are installed",
    "demo": "try it: pydicom's own test files to a cache, and a picture",
    "convert": "a folder of DICOM images to a cache",
    "scan": "a list of the files of a large archive, to convert from",
    "manifest": "what a cache holds, and what failed",
    "stats": "mean, spread and percentiles of the images of a cache",
    "join": "labels for the images of a cache",
    "locate": "the source files behind names, and why they failed",
    "verify": "whether all arrays, or all copies, are still whole",
    "gc": "remove what a cache does not need any more",
    "audit": "look at a new source of images before training on it",
    "audit mark": "write down what was decided about a source",
    "deidentify": "de-identified copies, each audited",
    "deidentify review": "list the copies that wait for a person to look at them",
    "deidentify accept": "let out copies that wait",
    "deidentify refuse": "remove copies that wait",
    "bench": "your files by every installed reader: values and times",
}

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("fastpix demo", "fastpix info slice.dcm", "fastpix convert /data/hospital /data/cache"),
    "info": ("fastpix info slice.dcm", "fastpix info slice.dcm --dtype auto --invert range"),
    "view": (
        "fastpix view slice.dcm -o slice.png",
        "fastpix view slice.dcm --window 40 400 --both -o both.png",
        "fastpix view /data/cache/0 -o sample.png",
    ),
    "series": (
        "fastpix series /data/study",
        "fastpix series /data/study --save volumes --format npz",
    ),
    "codecs": ("fastpix codecs",),
    "demo": ("fastpix demo", "fastpix demo first-cache"),
    "convert": (
        "fastpix convert /data/hospital /data/cache",
        'fastpix convert /data/hospital ct --only "modality = CT" --normalize -160 240',
        "fastpix convert /data/hospital volumes --unit series --spacing 1 1 1",
    ),
    "scan": (
        "fastpix scan /data/hospital --out files.parquet",
        "fastpix convert files.parquet /data/cache",
    ),
    "manifest": ("fastpix manifest /data/cache", "fastpix manifest /data/cache --failed --csv"),
    "stats": (
        "fastpix stats /data/cache",
        "fastpix stats /data/cache --split train --fractions train=0.9,test=0.1",
    ),
    "join": ("fastpix join /data/cache labels.csv --on SOPInstanceUID --column finding",),
    "locate": ("fastpix locate /data/cache", "fastpix locate /data/hospital /data/cache"),
    "verify": ("fastpix verify /data/cache", "fastpix verify --deidentified /data/copies"),
    "gc": ("fastpix gc /data/cache",),
    "audit": (
        "fastpix audit /data/new audit",
        "fastpix audit mark ID invert --sources audit/sources.toml --by ann",
        "fastpix convert /data/new cache --sources audit/sources.toml --key-file audit.key",
    ),
    "audit mark": (
        'fastpix audit mark ID exclude --sources audit/sources.toml --by ann --note "screenshots"',
    ),
    "deidentify": (
        "fastpix deidentify /data/hospital /data/copies",
        "fastpix deidentify /data/hospital /data/copies --dates shift --keep device",
    ),
    "deidentify review": ("fastpix deidentify review /data/copies",),
    "deidentify accept": (
        "fastpix deidentify accept /data/copies NAME --by ann",
        "fastpix deidentify accept /data/copies --all --by ann",
    ),
    "deidentify refuse": ("fastpix deidentify refuse /data/copies NAME --by ann",),
    "bench": (
        "fastpix bench /data/hospital --what images,series --limit 100 --html bench.html",
        "fastpix bench /data/study --readers pydicom,SimpleITK --list",
    ),
}

# Options that `--help` only names; `--help-all` explains them.
_RUNNING = ("--executor", "--root", "--timeout", "--max-bytes")
_REDACTING = ("--redact", "--redact-boxes", "--redact-regions")
RARE: dict[str, tuple[str, ...]] = {
    "convert": (
        "--[no-]rescale", "--padding", "--color-range", "--decoder", "--compress", "--duplicates",
        "--gaps", "--partial", "--order", "--window", *_REDACTING, "--shard", "--allow-unseen",
        "--replace", "--into", "--prune", *_RUNNING,
    ),
    "audit": ("--by", "--pseudonymous", "--seed", *_RUNNING),
    "deidentify": (*_REDACTING, "--any-sop", "--shard", "--replace", *_RUNNING),
    "view": ("--function", "--side", "--terminal"),
}  # fmt: skip
