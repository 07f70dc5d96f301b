"""What identifies a patient in the original, and how a copy is searched for it.

Names, identifiers, dates and UIDs are harvested by their tags at every level, also in sequences
that are removed. A value is searched for as text, in any charset, and raw in bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastpix.deidentification.value_kinds import CLASS_UIDS, DUMMY_TEXT, is_well_known
from fastpix.standard.terms import MODALITIES, PHOTOMETRIC, UNITS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SHORTEST = 3  # characters of what is searched for, as a whole word
LONG = 6  # characters from which an identifier is found inside of other text, and raw in bytes
_WINDOW, _OVERLAP = 2**20, 2**10  # bytes that are searched together, and twice
_LONG_UID = 12  # characters of a UID that is searched for in bytes
_ENCODINGS = (
    "utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8",
    "iso8859_9", "tis_620", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "gb18030", "utf-16-le",
    "utf-16-be",
)  # fmt: skip

# Identifiers of the patient, of visits, orders and documents (PS3.6).
ID_TAGS = frozenset(
    {
        0x00080050, 0x00080051, 0x00080094, 0x00100020, 0x00100021, 0x00100050, 0x00101000,
        0x00101001, 0x00101002, 0x00101005, 0x00101040, 0x00101060, 0x00101090, 0x00102154,
        0x00102155, 0x00102203, 0x00120040, 0x00120042, 0x00200010, 0x00321060, 0x00380010,
        0x00380060, 0x00400009, 0x00400253, 0x00401001, 0x00402008, 0x00402016, 0x00402017,
        0x00401010, 0x00403001, 0x00400512, 0x00400551, 0x04000564, 0x00082200,
    }
)  # fmt: skip
_FREE_TEXT_IDS = frozenset({0x00101040, 0x00403001, 0x00321060, 0x00102203, 0x00102155})
# What stands where a value is unknown, or what earlier copies hold.
_NO_NAMES_TEXT = """
    anonymous anonymized anonymised anonymize deidentified none null unknown unspecified patient
    name removed test testing phantom volunteer subject doctor physician prof mrs miss the and und
    von van der den del
"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
_WORD = re.compile(r"\w+")
# Image Type and Frame Type (PS3.3 C.7.6.1.1.2, C.8), body parts (PS3.16 annex L), and the like.
_CODED = """
    ORIGINAL PRIMARY DERIVED SECONDARY AXIAL LOCALIZER OTHER YES NONE LINEAR BRIGHT DARK MIXED
    COLOR FRAME VOLUME PERFUSION ANGIO CARDIAC CINE DYNAMIC FLUOROSCOPY MOTION STATIC REST
    STRESS TOMO WHOLE BODY GATED RECON PROJECTION MAGNITUDE PHASE REAL IMAGINARY DIFFUSION FLOW
    VELOCITY METABOLITE HEAD BRAIN NECK CHEST BREAST ABDOMEN PELVIS SPINE HEART LIVER KIDNEY
    LUNG SKULL HAND FOOT KNEE HIP SHOULDER ELBOW WRIST ANKLE ARM LEG EYE PROSTATE EXTREMITY
    SINGLE MULTI PLANAR MONO FEET FIRST PRONE SUPINE LATERAL LEFT RIGHT FULL REDUCED RESAMPLED
    NORMAL REFORMATTED AVERAGE RATIO
"""
# Words that a coded string may be, whoever has the same name.
_TERMS = frozenset(
    word.casefold()
    for term in (*MODALITIES, *PHOTOMETRIC, *UNITS, *_CODED.split())
    for word in _WORD.findall(term)
)


class Harvest:
    """What identifies, as it is found in an original.

    Attributes
    ----------
    words : set of str
        Casefolded parts of names and identifiers.
    wholes : set of str
        Casefolded identifiers as a whole, where they have several words.
    raw : set of bytes
        Values that are not ASCII, as the file has them.
    dates : set of str
        As DICOM writes them: eight digits.
    uids : set of str
    too_short : int
        Identifiers of less than three characters: a search would find them anywhere.
    """

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.wholes: set[str] = set()
        self.raw: set[bytes] = set()
        self.dates: set[str] = set()
        self.uids: set[str] = set()
        self._short: set[str] = set()

    @property
    def too_short(self) -> int:
        """How many identifiers are too short to be searched for."""
        return len(self._short)

    def add(self, dataset: Dataset, key: Any, tag: int, vr: str, value: bytes | None) -> None:
        """Take what identifies from an element; most elements have nothing that does."""
        if vr == "UI":
            if tag not in CLASS_UIDS:
                for uid in _text(dataset, key, value).split("\\"):
                    uid = uid.strip(" \0")
                    if uid and not is_well_known(uid):
                        self.uids.add(uid)
        elif vr in ("DA", "DT"):
            for date in _text(dataset, key, value).split("\\"):
                digits = date.strip()[:10].replace(".", "").replace("-", "")[:8]
                if len(digits) == 8 and digits.isdecimal() and digits[:2] in ("19", "20"):
                    self.dates.add(digits)
        elif vr == "PN":
            self._add_text(_text(dataset, key, value), value, whole=False)
        elif tag in ID_TAGS:
            self._add_text(_text(dataset, key, value), value, whole=tag not in _FREE_TEXT_IDS)

    def _add_text(self, text: str, value: bytes | None, whole: bool) -> None:
        if value is not None and not value.isascii():
            for part in re.split(rb"[\\^=, \0]", value):
                if len(part) >= 4 and not part.isascii() and part not in self.raw:
                    self.raw.add(part)
        for single in text.split("\\"):
            words = _WORD.findall(single.casefold())
            for word in words:
                self._add_word(word)
            if whole and len(words) > 1:
                self.wholes.add(single.strip(" \0").casefold())

    def _add_word(self, word: str) -> None:
        if word in _NO_NAMES or word == DUMMY_TEXT.casefold() or not word.strip("0_"):
            return
        if len(word) < SHORTEST and word.isascii():
            self._short.add(word)
        else:
            self.words.add(word)


def _text(dataset: Dataset, key: Any, value: bytes | None) -> str:
    """Return the text of an element, decoded by its charset, else byte by byte."""
    if value is not None and value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    try:
        found = dataset[key].value
        if isinstance(found, str) or not hasattr(found, "__iter__") or hasattr(found, "components"):
            return str(found)
        return "\\".join(str(single) for single in found)
    except Exception:
        return (value or b"").decode("latin-1")


class Identifiers:
    """What a copy is searched for: made once of a harvest."""

    def __init__(self, harvest: Harvest) -> None:
        self.words = frozenset(harvest.words)
        self.long = tuple(sorted(w for w in {*harvest.words, *harvest.wholes} if len(w) >= LONG))
        self.dates = frozenset(harvest.dates)
        self.uids = frozenset(harvest.uids)
        self.too_short = harvest.too_short
        self._dates_written = tuple(
            form for date in sorted(harvest.dates) for form in written_dates(date)
        )
        raw = {uid.encode("latin-1", "replace") for uid in self.uids}
        foreign: set[bytes] = set(harvest.raw)
        for word in self.words:
            if not word.isascii():
                foreign |= encodings_of(word)
        self.raw_uids = frozenset(raw)
        self.raw_long = tuple(word.encode() for word in self.long if word.isascii())
        self.raw_foreign = frozenset(foreign)
        coded = {*self.raw_long, *foreign, *(uid for uid in raw if len(uid) >= _LONG_UID)}
        self._coded = tuple(sorted({word.lower() for word in coded if len(word) >= LONG}))

    def in_raw(self, raw: bytes) -> bool:
        """Whether bytes that are no text of DICOM have an identifier."""
        folded = raw.lower()
        squeezed = folded.replace(b"\0", b"")  # UTF-16, either way
        return (
            any(word in folded or word in squeezed for word in self.raw_long)
            or any(uid in raw for uid in self.raw_uids if len(uid) >= _LONG_UID)
            or any(word in raw for word in self.raw_foreign)
        )

    def in_remark(self, content: bytes) -> bool:
        """Whether a remark beside an image has an identifier; short ones and dates count, too."""
        texts = {content, content.replace(b"\0", b"")}  # UTF-16, either way
        return self.in_raw(content) or any(self.in_bytes(text, "LT") for text in texts)

    def in_coded(self, data: bytes | memoryview) -> bool:
        """Whether pixels, searched as bytes, have an identifier that is too long for a chance."""
        for at in range(0, len(data), _WINDOW - _OVERLAP):
            folded = bytes(data[at : at + _WINDOW]).lower()
            squeezed = folded.replace(b"\0", b"")
            if any(word in folded or word in squeezed for word in self._coded):
                return True
        return False

    def in_text(self, text: str, is_code: bool = False) -> bool:
        """Whether a text has an identifier; of coded strings the standard's terms are exempt."""
        folded = text.casefold()
        found = self.words.intersection(_WORD.findall(folded))
        if found and not (is_code and found <= _TERMS):
            return True
        if any(word in folded and not (is_code and word in _TERMS) for word in self.long):
            return True
        return not is_code and any(date in folded for date in self._dates_written)

    def in_bytes(self, value: bytes, vr: str) -> bool:
        """Whether the bytes of a text element have an identifier, in any charset."""
        if any(raw in value for raw in self.raw_foreign):
            return True
        if value.isascii():
            text = value.decode("ascii")
        else:
            text = value.decode("latin-1")
            if self.in_text(value.decode("utf-8", "replace")):
                return True
        return self.in_text(text.replace("\0", " "), vr == "CS")


def encodings_of(word: str) -> set[bytes]:
    """Return a word in the encodings of DICOM's charsets and UTF-16, in three spellings."""
    found = set()
    for spelling in (word, word.upper(), word.capitalize()):
        for encoding in _ENCODINGS:
            try:
                encoded = spelling.encode(encoding)
            except UnicodeEncodeError:
                continue
            if encoding == "iso2022_jp":
                # between the escape sequences
                encoded = max(encoded.split(b"\x1b"), key=len)[2:]
            if len(encoded) >= 4:
                found.add(encoded)
    return found


@lru_cache(maxsize=1024)
def written_dates(date: str) -> tuple[str, ...]:
    """Return spellings of a date of eight digits that people use, casefolded."""
    year, month, day = date[:4], date[4:6], date[6:]
    return (
        date,
        f"{year}-{month}-{day}",
        f"{year}/{month}/{day}",
        f"{year}.{month}.{day}",
        f"{day}.{month}.{year}",
        f"{day}/{month}/{year}",
        f"{month}/{day}/{year}",
        f"{day}-{month}-{year}",
    )
