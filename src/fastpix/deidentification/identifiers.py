"""What identifies a patient in the original, and how a copy is searched for it.

Names, identifiers, dates and UIDs are harvested by their tags at every level, also in sequences
that are removed. A value is searched for as text, in any charset, and raw in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, AnyStr

from fastpix.deidentification.charsets import Charset, decoded
from fastpix.deidentification.spellings import (
    dates_in,
    digits_in,
    encodings_of,
    folded,
    joined,
    other_spellings,
    searched_words,
    squeezed,
    words_of,
)
from fastpix.deidentification.value_kinds import CLASS_UIDS, DUMMY_TEXT, is_well_known
from fastpix.standard.terms import MODALITIES, PHOTOMETRIC, UNITS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SHORTEST = 3  # characters of what is searched for, as a whole word
LONG = 6  # characters from which an identifier is found inside of other text, and raw in bytes
_MANY = 128  # words, from which a text is not searched for one after the other
_REMARK = 2**16  # bytes of a remark that is read as a text
_WINDOW, _OVERLAP = 2**20, 2**10  # bytes that are searched together, and twice
_LONG_UID = 12  # characters of a UID that is searched for in bytes
_LONG_NUMBER = 6  # digits of an identifier that is found among other digits
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
    word for term in (*MODALITIES, *PHOTOMETRIC, *UNITS, *_CODED.split()) for word in words_of(term)
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
_OF_NUMBERS = b"0123456789.+-eE\\ \0"
_BEFORE_A_NUMBER = b"\\-", b"\\+", b"e-", b"e+", b"E-", b"E+"
_LIKE_A_UID = re.compile(rb"[0-9][0-9.]{%d,}" % (_LONG_UID - 1))


class Harvest:
    """What identifies, as it is found in an original.

    Attributes
    ----------
    words : set of str
        Folded parts of names and identifiers, and their other spellings.
    wholes : set of str
        Folded identifiers as a whole, where they have several words.
    mixed : set of str
        Letters and digits of identifiers that have both, without what separates them.
    numbers : set of str
        Digits of identifiers, without what separates them, and without zeros before them.
    foreign : set of str
        Parts of names that are not ASCII, as they are written.
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
        self.mixed: set[str] = set()
        self.numbers: set[str] = set()
        self.foreign: set[str] = set()
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
            self._add_text(_text(dataset, key, value), value, is_id=False)
        elif tag in ID_TAGS:
            self._add_text(_text(dataset, key, value), value, is_id=tag not in _FREE_TEXT_IDS)

    def _add_text(self, text: str, value: bytes | None, is_id: bool) -> None:
        if value is not None and not value.isascii():
            for part in re.split(rb"[\\^=, \0]", value):
                if len(part) >= 4 and not part.isascii() and part not in self.raw:
                    self.raw.add(part)
        for single in text.split("\\"):
            words = words_of(single)
            for word in words:
                self._add_word(word)
            if is_id:
                self._add_id(single, words)
            else:
                for word in (*joined(single), *other_spellings(single)):
                    self._add_word(word)
            if not single.isascii():
                self.foreign.update(w for w in re.findall(r"[^\W_]+", single) if not w.isascii())

    def _add_id(self, text: str, words: list[str]) -> None:
        if len(words) > 1:
            self.wholes.add(folded(text.strip(" \0")))
        mixed = squeezed(folded(text))
        if len(mixed) >= LONG and not mixed.isalpha() and not mixed.isdecimal():
            self.mixed.add(mixed)
        for digits in (re.sub(r"\D", "", folded(text)), *re.findall(r"\d+", folded(text))):
            if len(digits.lstrip("0")) >= SHORTEST + 2:
                self.numbers.add(digits.lstrip("0"))

    def _add_word(self, word: str) -> None:
        if word in _NO_NAMES or word == DUMMY_TEXT.casefold() or not word.strip("0"):
            return
        if len(word) < SHORTEST and word.isascii():
            self._short.add(word)
        else:
            self.words.add(word)


def _parts_of(text: AnyStr, words: Sequence[AnyStr]) -> Iterator[AnyStr]:
    """Yield the words of six characters or more that a text has anywhere in it."""
    if len(words) < _MANY:
        yield from (word for word in words if word in text)
        return
    # One pass over the text, not one for each word.
    beginnings = {word[:LONG] for word in words}
    found = beginnings.intersection(text[at : at + LONG] for at in range(len(text) - LONG + 1))
    yield from (word for word in words if word[:LONG] in found and word in text)


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
        self._dates = self.dates | {f"??{date[2:]}" for date in self.dates}
        self.uids = frozenset(harvest.uids)
        self.too_short = harvest.too_short
        self._mixed = tuple(sorted(harvest.mixed))
        self._numbers = frozenset(harvest.numbers)
        self._long_numbers = tuple(n for n in sorted(harvest.numbers) if len(n) >= _LONG_NUMBER)
        decimal = {word for word in self.words if word.isascii() and word.isdecimal()}
        self._number_bytes = tuple(
            number.encode() for number in {*self._long_numbers, *self.dates, *decimal}
            if number.isascii() and len(number) >= _LONG_NUMBER
        )  # fmt: skip
        foreign: set[bytes] = set(harvest.raw)
        for word in harvest.foreign:
            foreign |= encodings_of(word)
        self.raw_uids = tuple(sorted(uid.encode("latin-1", "replace") for uid in self.uids))
        self.raw_long = tuple(
            word.encode() for word in {*self.long, *self._long_numbers, *self.dates}
            if word.isascii()
        )  # fmt: skip
        self.raw_foreign = frozenset(foreign)
        self._known: dict[tuple[bytes, bool, Charset], bool] = {}
        coded = {*self.raw_long, *foreign}
        coded |= {uid for uid in self.raw_uids if len(uid) >= _LONG_UID}
        self._coded = tuple(sorted({word.lower() for word in coded if len(word) >= LONG}))

    def in_raw(self, raw: bytes) -> bool:
        """Whether bytes that are no text of DICOM have an identifier."""
        lower = raw.lower()
        packed = lower.replace(b"\0", b"")  # UTF-16, either way
        uids = b" ".join(_LIKE_A_UID.findall(raw))
        return (
            any(_parts_of(lower, self.raw_long))
            or any(_parts_of(packed, self.raw_long))
            or (
                len(uids) >= _LONG_UID
                and any(uid in uids for uid in self.raw_uids if len(uid) >= _LONG_UID)
            )
            or any(word in raw for word in self.raw_foreign)
        )

    def in_remark(self, raw: bytes) -> bool:
        """Whether a remark of a codestream has an identifier: it may be a text, or anything."""
        if self.in_raw(raw):
            return True
        texts = {raw, raw.replace(b"\0", b"")} if len(raw) <= _REMARK else ()  # UTF-16, either way
        return any(self.in_bytes(text, "LT") for text in texts)

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
        low = folded(text)
        found = self.words.intersection(searched_words(low))
        if found and not (is_code and found <= _TERMS):
            return True
        if any(not (is_code and word in _TERMS) for word in _parts_of(low, self.long)):
            return True
        if self._mixed and any(_parts_of(squeezed(low), self._mixed)):
            return True
        if not any(map(str.isdecimal, low)):
            return False
        if self._numbers:
            runs = digits_in(low)
            if not self._numbers.isdisjoint(run.lstrip("0") for run in runs) or any(
                number in run for run in runs for number in self._long_numbers
            ):
                return True
        return bool(self.dates) and not self._dates.isdisjoint(dates_in(low))

    def in_bytes(self, value: bytes, vr: str, charset: Charset = ()) -> bool:
        """Whether the bytes of a text element have an identifier, in its charset or any other.

        Parameters
        ----------
        value : bytes
        vr : str
        charset : tuple of str
            Specific Character Set (0008,0005) of its level.
        """
        key = value, vr == "CS", charset
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._in_bytes(*key)
        return known

    def _in_bytes(self, value: bytes, is_code: bool, charset: Charset) -> bool:
        if value.isascii() and b"\x1b" not in value:
            return self.in_text(value.decode("ascii").replace("\0", " "), is_code)
        if any(raw in value for raw in self.raw_foreign):
            return True
        texts = (value.decode("utf-8", "replace"), value.decode("latin-1"), decoded(value, charset))
        return any(self.in_text(text.replace("\0", " "), is_code) for text in texts)

    def in_number(self, value: bytes) -> bool:
        """Whether a numeric text is an identifier of six digits or more, a date, or no number.

        Parameters
        ----------
        value : bytes
            May have several values.
        """
        if not self._is_worth_splitting(value):
            return False
        for text in value.decode("latin-1").replace("\0", " ").split("\\"):
            text = text.strip().lower()
            if not _NUMBER.fullmatch(text):
                if text and self.in_text(text):
                    return True
            elif len(text) >= _LONG_NUMBER and (
                text in self.words or text in self.dates or text.lstrip("+0") in self._numbers
            ):
                return True
        return False

    def _is_worth_splitting(self, value: bytes) -> bool:
        """Whether a numeric text may be what `in_number` looks for: contours have many values."""
        signs = value.count(b"-") + value.count(b"+")
        leading = int(value[:1] in (b"-", b"+"))
        if signs > leading:
            leading += sum(map(value.count, _BEFORE_A_NUMBER))
        return (
            signs > leading
            or bool(value.translate(None, _OF_NUMBERS))
            or b" " in value.strip(b" \0")
            or value.count(b".") > value.count(b"\\") + 1
            or any(number in value for number in self._number_bytes)
        )
