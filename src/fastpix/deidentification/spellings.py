"""How people spell a name, a number or a date in free text: one form for all of a name's spellings.

Case, accents, width and what stands between words are not told apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER_RUN = re.compile(r"\d(?:[\W_]?\d)*")
_LONG_RUN = 5  # digits of a run that counts as a word of its own
# What Unicode does not take apart.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_ENCODINGS = (
    "utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8",
    "iso8859_9", "tis_620", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "gb18030", "utf-16-le",
    "utf-16-be",
)  # fmt: skip
_MONTHS = (
    "jan ene gen janv январ янв", "feb fev fevr фев", "mar mrt mrz maer mars мар",
    "apr avr abr апр", "may mai maj mei mag май мая", "jun juin giu июн", "jul juil lug июл",
    "aug ago aou aout авг", "sep set sept сен", "oct okt ott out окт", "nov ноя", "dec dez dic дек",
)  # fmt: skip
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_SHORTEST_MONTH = 3
_BETWEEN = r"(?:st|nd|rd|th|of|del|de|di|[\W_]){0,4}"
# Day, month in letters, year; month in letters, day, year; year, month in letters, day.
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}}){_BETWEEN}([^\W\d_]{{3,}}){_BETWEEN}(\d{{4}}|\d{{2}})(?!\d)"
)
_MONTH_FIRST = re.compile(
    rf"(?<![^\W\d_])([^\W\d_]{{3,}}){_BETWEEN}(\d{{1,2}}){_BETWEEN}(\d{{4}}|(?<!\d)\d{{2}})(?!\d)"
)
_YEAR_FIRST = re.compile(
    rf"(?<!\d)(\d{{4}}|\d{{2}}){_BETWEEN}([^\W\d_]{{3,}}){_BETWEEN}(\d{{1,2}})(?!\d)"
)
_THREE_NUMBERS = re.compile(
    r"(?<!\d)(?=(\d{1,4})([\s./,_年년-]{1,2})(\d{1,2})([\s./,_月월-]{1,2})(\d{1,4})(?!\d))"
)
_RUN = re.compile(r"\d{6,}")
_FULL_YEAR = 4


def folded(text: str) -> str:
    """Return a text without case, accents, and width.

    Parameters
    ----------
    text : str
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", plain).translate(_PLAIN)


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded."""
    return _WORD.findall(folded(text))


def searched_words(low: str) -> Iterator[str]:
    """Yield the words of a folded text; of those that have digits, the letters too.

    Parameters
    ----------
    low : str
    """
    for word in _WORD.findall(low):
        yield word
        if not word.isalpha() and not word.isdecimal():
            yield from _LETTERS.findall(word)
            yield from (run for run in re.findall(r"\d+", word) if len(run) >= _LONG_RUN)


def joined(name: str) -> Iterator[str]:
    """Yield components of a name as one word, where something separates their parts.

    Parameters
    ----------
    name : str
        Such as ``O'Brien^Anna-Lena``.
    """
    for part in re.split(r"[\^=\s\\,]", folded(name)):
        if len(_WORD.findall(part)) > 1:
            yield squeezed(part)


def other_spellings(name: str) -> Iterator[str]:
    """Yield words of a name with two letters for those that have dots or strokes.

    Parameters
    ----------
    name : str
    """
    if not name.isascii():
        low = unicodedata.normalize("NFC", name.casefold())
        for word in _WORD.findall(low):
            if (spelt := word.translate(_TWO_LETTERS)) != word:
                yield folded(spelt)


def squeezed(low: str) -> str:
    """Return the letters and digits of a folded text."""
    return "".join(_WORD.findall(low))


def digits_in(low: str) -> list[str]:
    """Return numbers of a text, with what stands between their digits taken out.

    Parameters
    ----------
    low : str
        Digits may have single separators, as in ``82-736/45``.
    """
    runs = re.findall(r"\d+", low)
    return [*runs, *(re.sub(r"\D", "", run) for run in _NUMBER_RUN.findall(low))]


def dates_in(low: str) -> Iterator[str]:
    """Yield all that may be a date in a folded text, as eight digits; ``??`` for the century.

    Parameters
    ----------
    low : str
        Dates may stand in it as people write them: in any order, with the month in letters.
    """
    for run in _RUN.findall(low):
        for at in range(len(run) - 7):
            yield run[at : at + 8]
        if len(run) == 8:
            yield run[4:] + run[2:4] + run[:2]
            yield run[4:] + run[:4]
        elif len(run) == 6:
            yield "??" + run
            yield f"??{run[4:]}{run[2:4]}{run[:2]}"
            yield f"??{run[4:]}{run[:4]}"
    for first, one, second, two, third in _THREE_NUMBERS.findall(low):
        if len(first) == _FULL_YEAR:
            yield _date(first, second, third)
            yield _date(first, third, second)
        elif len(third) == _FULL_YEAR or (len(third) == 2 and not (one + two).isspace()):
            yield _date(third, second, first)
            yield _date(third, first, second)
        if len(first) == 2 and not (one + two).isspace():
            yield _date(first, second, third)
    for day, month, year in _DAY_FIRST.findall(low):
        yield _date(year, _month(month), day)
    for month, day, year in _MONTH_FIRST.findall(low):
        yield _date(year, _month(month), day)
    for year, month, day in _YEAR_FIRST.findall(low):
        yield _date(year, _month(month), day)


def _date(year: str, month: str, day: str) -> str:
    return f"{year:?>4}{month:0>2}{day:0>2}"


def _month(name: str) -> str:
    """Return the number of a month that is named, in one of several languages; else nothing."""
    for length in (5, 4, _SHORTEST_MONTH):
        if (number := _MONTH_OF.get(name[:length])) is not None:
            return str(number)
    return ""


def encodings_of(word: str) -> set[bytes]:
    """Return a word in the encodings of DICOM's charsets and UTF-16, in three spellings."""
    found = set()
    for spelling in {word, word.lower(), word.upper(), word.capitalize()}:
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
