"""What a fresh process imports: little more than numpy, as long as it needs no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, make_item
from support.scripts import run_script

CELLS = np.arange(12, dtype=np.uint16).reshape(3, 4)
# pydicom, and what pydicom imports of what it finds; what fastpix imports for compressed files.
HEAVY = ("pydicom", "PIL", "gdcm", "imagecodecs", "openjpeg", "rle", "libjpeg", "jpeg_ls")

REPORT = f"""
import sys
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(*sorted(loaded.intersection({HEAVY})))
"""

READ = """
import sys
from pathlib import Path
import fastpix

path = sys.argv[1]
arrays = [fastpix.imread(path) for _ in range(4)]
arrays.append(fastpix.imread(Path(path).read_bytes()))
with open(path, "rb") as file:
    arrays.append(fastpix.imread(file))
arrays += fastpix.imread_many([path], threads=1)
image = fastpix.open(path)
str(image.plan())
arrays.append(image.read())
for array in arrays:
    assert array.dtype == "float32"
    assert (array == [[2 * (4 * y + x) - 5 for x in range(4)] for y in range(3)]).all()
"""


def write(folder: Path, syntax: str, **attributes: object) -> Path:
    dataset = make_dataset(
        CELLS, Modality="CT", RescaleSlope="2", RescaleIntercept="-5", RescaleType="HU",
        PatientName="A^B", PixelSpacing=[1, 1], SpecificCharacterSet="ISO_IR 100", **attributes,
    )  # fmt: skip
    path = folder / "image.dcm"
    path.write_bytes(encode(dataset, syntax))
    return path


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_regular_native_file_needs_no_pydicom(tmp_path: Path, syntax: str) -> None:
    path = write(tmp_path, syntax)
    assert run_script(READ + REPORT, path) == "\n"


def test_another_file_is_left_to_pydicom(tmp_path: Path) -> None:
    path = write(tmp_path, ExplicitVRLittleEndian)
    path.write_bytes(path.read_bytes()[132:])  # without preamble and prefix
    assert "pydicom" in run_script(READ + REPORT, path).split()


def test_import() -> None:
    assert run_script("import fastpix, sys; print('numpy' in sys.modules)" + REPORT) == "False\n\n"


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"]])
def test_help(arguments: list[str]) -> None:
    script = f"""
import sys
from fastpix.cli import main
sys.argv = ["fastpix", *{arguments}]
try:
    main()
except SystemExit as end:
    assert not end.code
print("-" * 10)
"""
    script += REPORT + "print('numpy' in loaded)"
    assert run_script(script).partition("-" * 10 + "\n")[2] == "\nFalse\n"


CONFIGURED_LATER = """
import sys
import fastpix
from fastpix.header.pydicom_settings import is_pydicom_as_it_comes

def is_indexed():
    assert (fastpix.imread(path) == first).all()
    indexed = fastpix.open(path)._instance.index is not None
    assert indexed == is_pydicom_as_it_comes()
    return indexed

path = sys.argv[1]
first = fastpix.imread(path)
assert is_indexed()
assert "pydicom" not in sys.modules
import pydicom
from pydicom import config, hooks, uid

assert is_indexed()
own = hooks.raw_element_value
set_hook = hooks.hooks.register_callback
set_kwargs = hooks.hooks.register_kwargs
for change, back in [
    (lambda: set_hook("raw_element_value", lambda *args, **kwargs: own(*args, **kwargs)),
     lambda: set_hook("raw_element_value", own)),
    (lambda: set_kwargs("raw_element_kwargs", {"a": 1}),
     lambda: set_kwargs("raw_element_kwargs", {})),
    (lambda: uid.register_transfer_syntax("1.2.3.4", True, True),
     lambda: uid.PrivateTransferSyntaxes.clear()),
    *[(lambda where=where, name=name, value=value: setattr(where, name, value),
       lambda where=where, name=name, value=getattr(where, name): setattr(where, name, value))
      for where, name, value in [
          (config.settings, "reading_validation_mode", config.IGNORE),
          (config.settings, "infer_sq_for_un_vr", False),
          (config, "use_none_as_empty_text_VR_value", True),
          (config, "replace_un_with_known_vr", False),
          (config, "assume_implicit_vr_switch", False),
          (config, "convert_wrong_length_to_UN", True),
          (config, "data_element_callback", lambda raw, **kwargs: raw),
      ]],
]:
    change()
    assert not is_indexed()
    back()
    assert is_indexed()
"""


def test_pydicom_is_imported_and_configured_later(tmp_path: Path) -> None:
    run_script(CONFIGURED_LATER, write(tmp_path, ExplicitVRLittleEndian))


def test_a_dataset_is_a_source_once_pydicom_is_imported(tmp_path: Path) -> None:
    path = write(tmp_path, ImplicitVRLittleEndian)
    run_script(
        """
import sys
import fastpix

path = sys.argv[1]
first = fastpix.imread(path)
try:
    fastpix.imread(object())
except fastpix.ArgumentError as error:
    assert "object" in str(error)
else:
    raise AssertionError
assert "pydicom" not in sys.modules
import pydicom

assert (fastpix.imread(pydicom.dcmread(path)) == first).all()
image = fastpix.open(path)
assert image.dataset.Rows == 3
""",
        path,
    )


def test_sequences_of_undefined_length(tmp_path: Path) -> None:
    """Whether one without a VR is a sequence, pydicom's dictionary is asked."""
    item = make_item(ReferencedSOPInstanceUID="1.2.3")
    path = write(tmp_path, ImplicitVRLittleEndian, ReferencedImageSequence=[item])
    assert run_script(READ, path) == ""


def test_many_threads_meet_the_import_of_pydicom(tmp_path: Path) -> None:
    """One thread imports pydicom while others read by the index."""
    path = write(tmp_path, ExplicitVRLittleEndian)
    run_script(
        """
import sys
import threading
import fastpix

path = sys.argv[1]
first = fastpix.imread(path)
errors = []

def read():
    try:
        while "pydicom.pixels" not in sys.modules:
            assert (fastpix.imread(path) == first).all()
    except BaseException as error:
        errors.append(error)

threads = [threading.Thread(target=read) for _ in range(3)]
for thread in threads:
    thread.start()
import pydicom
import pydicom.pixels
for thread in threads:
    thread.join()
assert not errors, errors
""",
        path,
    )
