"""How to tell what says whose a label is: by the name of a column, and by its values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from fastpix.pseudonyms import Names

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_SPELLINGS = (("UIDs", "Uids"), ("IDs", "Ids"), ("'", ""), ("\N{RIGHT SINGLE QUOTATION MARK}", ""))
_IDENTIFIES = re.compile(
    r"\buids?\b|(?:instance|series|study|image|sop)uids?\b|"
    r"^(?:patients?|persons?|subjects?)(?: ?(?:ids?|names?|numbers?|keys?|nrs?|nos?))?(?: ?\d+)?$|"
    r"\bpatients? ?(?:ids?|names?)\b|^pids?$|\bmrns?\b|\bmedical ?record|\baccession|"
    r"\b(?:sur|first|last|middle|family|given|maiden) ?names?\b|\binitials\b|"
    r"\bsocial ?security|^ssns?$|\bnhs ?number|\bbirth ?(?:da|time)|\bdate ?of ?birth\b|^dob$|"
    r"\b(?:tele)?phones?\b|\be ?mail|\baddress|"
    r"\b(?:file|image|dicom) ?(?:name|path)s?\b|^(?:file|path)s?$"
)
"""Of the words of a column's name, in small letters: it says whose the labels are."""

_MAY_IDENTIFY = re.compile(
    r"^$|^(?:names?|index|rows?|nr|no|number)$|^index level\b|^unnamed\b|\bids?\b|\bdates?\b|"
    r"(?:study|series|acquisition|content|scan|exam)(?:date|id)$"
)
"""The same: it may say so, and is taken only if it is asked for."""

_UID = re.compile(r"(?<![0-9.])[0-9]+(?:\.[0-9]+){5,}")
_PERSON = re.compile(r"[^\W\d_]{2}\^[^\W\d_]{2}")  # a Person Name (PS3.5 6.2.1.1)
_LONG = 6  # characters of an ID that a word is not equal to by chance
_LONG_NUMBER = 8  # digits of an ID that a number in the same row is not equal to by chance
_WORDS_OF_TEXT = re.compile(r"[\s,;|/\\()\[\]{}<>:='\"]+")
_SMALLER_WORDS = re.compile(r"[\W_]+")
_ENCODINGS = (
    "utf-8", *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 15)), "tis-620", "shift_jis",
    "iso2022_jp_2", "euc_kr", "iso2022_kr", "gb18030",
)  # fmt: skip
"""Of Specific Character Set (PS3.3 C.12.1.1.2), besides Latin-1."""
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


class Identifiers:
    """What a value of a label may not be.

    Parameters
    ----------
    plain : sequence of str
        The identifier of each row, as it was read.
    names : Names
        Of the cache.
    keyed : collection of str
        The keyed hashes of all patients and UIDs of the cache.
    """

    def __init__(self, plain: Sequence[str], names: Names, keyed: Collection[str]) -> None:
        self.plain = plain
        self._names = names
        self._keyed = keyed
        self._known: dict[str, bool] = {}

    @cached_property
    def _plain_set(self) -> frozenset[str]:
        return frozenset(text.casefold() for text in self.plain)

    def has(self, text: str) -> bool:
        """Whether a text is an identifier of the labels or of the cache, and no short one.

        The IDs of patients that have an issuer are known among those of the labels alone.

        Parameters
        ----------
        text : str
        """
        if len(text) < _LONG:
            return False
        found = self._known.get(text)
        if found is None:
            of_patients = (self._names.of_patient(each) for each, _ in spellings(text))
            hashes = (self._names.of_uid(text), *of_patients)
            found = text.casefold() in self._plain_set or any(h in self._keyed for h in hashes)
            self._known[text] = found
        return found


def spellings(patient: str, issuer: str = "") -> Iterator[tuple[str, str]]:
    """Yield an ID and its issuer as manifests hash them: whatever a file has them in, as Latin-1.

    Parameters
    ----------
    patient, issuer : str
    """
    yield patient, issuer
    if not (patient.isascii() and issuer.isascii()):
        for encoding in _ENCODINGS:
            try:
                found = [text.encode(encoding).decode("latin-1") for text in (patient, issuer)]
            except UnicodeEncodeError:
                continue
            yield found[0], found[1]


def name_identifies(name: str) -> bool:
    """Whether the name of a column says that it holds identifiers, or what is as good.

    Parameters
    ----------
    name : str
    """
    return _IDENTIFIES.search(_words_of(name)) is not None


def name_may_identify(name: str) -> bool:
    """Whether the name of a column leaves open if it holds identifiers or dates.

    Parameters
    ----------
    name : str
    """
    return _MAY_IDENTIFY.search(_words_of(name)) is not None


def holds_uids(texts: Iterable[str]) -> bool:
    """Whether there are UIDs in texts.

    Parameters
    ----------
    texts : iterable of str
    """
    return any(map(_UID.search, texts))


def holds_person_names(texts: Iterable[str]) -> bool:
    """Whether there are names in texts as DICOM writes them, such as ``Doe^John``.

    Parameters
    ----------
    texts : iterable of str
    """
    return any(map(_PERSON.search, texts))


def holds_identifiers(values: Iterable[object], identifiers: Identifiers) -> bool:
    """Whether values are or name identifiers: those of their rows, of the labels or of the cache.

    A short one, or a number, may be equal by chance: then most values of the column have to be. One
    digit or letter tells nothing.

    Parameters
    ----------
    values : iterable of (str, int, float or None)
        One for each row.
    identifiers : Identifiers
    """
    seen = equal = 0
    parts_of: dict[str, frozenset[str]] = {}
    for value, own in zip(values, identifiers.plain, strict=True):
        text = _text_of(value)
        if not text:
            continue
        seen += 1
        if isinstance(value, str):
            if text not in parts_of:
                parts_of[text] = _parts_of(text)
                if any(map(identifiers.has, parts_of[text])):
                    return True
            if len(own) >= _LONG and own.casefold() in text.casefold():
                return True
            equal += len(own) > 1 and own in parts_of[text]
        elif len(text) > 1:
            is_own = text == _number_of(own)
            if is_own and len(text) >= _LONG_NUMBER:
                return True
            equal += is_own or identifiers.has(text)
    return 2 * equal > seen


def looks_like_dates(numbers: Sequence[int]) -> bool:
    """Whether integers are dates such as 20261127.

    Parameters
    ----------
    numbers : sequence of int
    """
    return bool(numbers) and all(
        _FIRST_YEAR <= number // 10000 < _LAST_YEAR
        and 1 <= number // 100 % 100 <= 12
        and 1 <= number % 100 <= 31
        for number in numbers
    )


def looks_like_codes(numbers: Sequence[int]) -> bool:
    """Whether integers are as those that count patients or images: long, and each another.

    Parameters
    ----------
    numbers : sequence of int
    """
    are_long = len(numbers) > 1 and min(map(abs, numbers)) >= 10 ** (_LONG - 1)
    return are_long and len({*numbers}) > 0.9 * len(numbers)


def _words_of(name: str) -> str:
    """Return the words of a name in small letters, whatever parts them: `PatientID`, `patient_id`.

    "fluid" is no UID, and "candidate" no date.
    """
    for found, used in _SPELLINGS:
        name = name.replace(found, used)
    return " ".join(word.lower() for word in _WORD.findall(name))


def _parts_of(text: str) -> frozenset[str]:
    """Return a text and its words: an ID may stand among them, with a ``-`` in it or not."""
    words = (each.split(text) for each in (_WORDS_OF_TEXT, _SMALLER_WORDS))
    return frozenset({text}.union(*words))


def _number_of(identifier: str) -> str:
    """Return the digits of an identifier, as one who keeps numbers would: PAT-0012 is 12."""
    return "".join(filter(str.isdigit, identifier)).lstrip("0")


def _text_of(value: object) -> str:
    """Return a value as an identifier is written: whole floats without their point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
