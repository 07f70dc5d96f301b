"""Text that a sidecar may hold: terms of the standard, names of makers, none of the file's words.

A file's text can be anything, a patient's name in the wrong field included. What is written here is
an entry of these tables; what no entry matches is replaced by a keyed hash, so that files of one
unknown maker or model can still be grouped.
"""

from __future__ import annotations

import re

from fastpix.pseudonyms import Names
from fastpix.standard.terms import MODALITIES, PHOTOMETRIC, UNITS

_NO_UNIT = frozenset({"unspecified", "differs from frame to frame"})

_MAKERS = {
    "GE": ("g.e.", "ge medical", "ge healthcare", "general electric", "gems", "ge omega"),
    "Siemens": ("siemens",),
    "CPS Innovations": ("cps",),
    "SonoSite": ("sonosite",),
    "Medistim": ("medistim",),
    "Philips": ("philips", "adac", "picker", "marconi"),
    "Canon": ("canon", "toshiba"),
    "Hitachi": ("hitachi",),
    "Fujifilm": ("fuji",),
    "Hologic": ("hologic", "lorad"),
    "Agfa": ("agfa",),
    "Carestream": ("carestream", "kodak"),
    "Konica Minolta": ("konica",),
    "Shimadzu": ("shimadzu",),
    "Samsung": ("samsung", "medison", "neurologica"),
    "United Imaging": ("united imaging", "uih"),
    "Neusoft": ("neusoft",),
    "Mindray": ("mindray",),
    "Esaote": ("esaote",),
    "Hyperfine": ("hyperfine",),
    "Bruker": ("bruker",),
    "Varian": ("varian",),
    "Elekta": ("elekta", "impac"),
    "Accuray": ("accuray", "tomotherapy"),
    "Mediso": ("mediso",),
    "Hamamatsu": ("hamamatsu",),
    "Leica": ("leica", "aperio"),
    "3DHISTECH": ("3dhistech",),
    "Carl Zeiss Meditec": ("zeiss",),
    "Heidelberg Engineering": ("heidelberg",),
    "Topcon": ("topcon",),
    "Aloka": ("aloka",),
    "Acuson": ("acuson",),
    "SuperSonic Imagine": ("supersonic",),
    "Imaging Dynamics": ("imaging dynamics",),
    "Sectra": ("sectra",),
    "Planmed": ("planmed", "planmeca"),
    "Swissray": ("swissray",),
    "Lodox": ("lodox",),
    "EOS imaging": ("eos imaging",),
    "Vidar": ("vidar",),
    "pydicom": ("pydicom",),
    "Segami": ("segami",),
}

# Product lines; a model is written as the first line its name begins with, and its known variant.
_MODELS = (
    "LightSpeed VCT", "LightSpeed16", "LightSpeed Pro 16", "LightSpeed Ultra", "LightSpeed Plus",
    "LightSpeed QX/i", "LightSpeed RT", "LightSpeed", "BrightSpeed", "HiSpeed", "Optima CT",
    "Optima MR450w", "Optima MR360", "Optima", "Revolution CT", "Revolution EVO", "Revolution HD",
    "Revolution", "Discovery CT750 HD", "Discovery MR750w", "Discovery MR750", "Discovery STE",
    "Discovery ST", "Discovery LS", "Discovery RX", "Discovery 690", "Discovery 710",
    "Discovery IQ", "Discovery MI", "Discovery NM", "Discovery", "Signa HDxt", "Signa HDx",
    "Signa Excite", "Signa Premier", "Signa Architect", "Signa Artist", "Signa PET/MR", "Signa",
    "Genesis_Signa", "Genesis_Zeus", "Rhapsode", "Advance", "Infinia", "Millennium", "LOGIQ E9",
    "LOGIQ", "Vivid E9", "Vivid", "Voluson E10", "Voluson", "Senographe DS", "Senographe",
    "Definium", "SOMATOM Definition Flash", "SOMATOM Definition AS+", "SOMATOM Definition AS",
    "SOMATOM Definition Edge", "SOMATOM Definition", "SOMATOM Force", "SOMATOM Drive",
    "SOMATOM Sensation", "SOMATOM Emotion", "SOMATOM Perspective", "SOMATOM go", "SOMATOM X.cite",
    "SOMATOM Volume Zoom", "SOMATOM", "Sensation 64", "Sensation 16", "Sensation 40",
    "Sensation 10", "Sensation 4", "Sensation", "Emotion 16", "Emotion 6", "Emotion Duo",
    "Emotion", "NAEOTOM Alpha", "Biograph mMR", "Biograph mCT", "Biograph Vision", "Biograph64",
    "Biograph40", "Biograph", "MAGNETOM", "Skyra", "Prisma_fit", "Prisma", "TrioTim", "Trio",
    "Verio", "Aera", "Avanto_fit", "Avanto", "Espree", "Symphony", "SymphonyTim", "Sonata",
    "Harmony", "Vida", "Sola", "Lumina", "Allegra", "Investigational_Device_7T", "Terra",
    "Symbia", "e.cam", "ARTIS", "AXIOM Artis", "AXIOM", "Mammomat", "ACUSON", "Sequoia",
    "Brilliance 64", "Brilliance 40", "Brilliance 16", "Brilliance 10", "Brilliance Big Bore",
    "Brilliance iCT", "Brilliance", "iCT 256", "iCT SP", "iCT", "Ingenuity CT", "Ingenuity TF",
    "Ingenuity", "IQon", "Spectral CT", "Incisive CT", "Gemini TF", "Gemini", "Vereos",
    "Allegro", "Mx8000 IDT", "Mx8000", "Achieva dStream", "Achieva", "Ingenia Elition X",
    "Ingenia Ambition", "Ingenia CX", "Ingenia", "Intera", "Gyroscan", "Panorama", "MR 7700",
    "DigitalDiagnost", "EPIQ", "CX50", "iU22", "iE33", "HD15", "Affiniti", "Forte", "Precedence",
    "BrightView", "Skylight", "Aquilion ONE", "Aquilion PRIME", "Aquilion", "Asteion", "Activion",
    "Vantage Titan", "Vantage", "Aplio", "Titan", "Celesteion", "Cartesion", "SCENARIA", "Supria",
    "ECLOS", "Echelon Oval", "Echelon", "AIRIS", "Oasis", "APERTO", "FDR", "FCR", "Selenia",
    "Lorad Selenia", "Selenia Dimensions", "Dimensions", "Horizon", "DRX", "DirectView", "CR 850",
    "CR 900", "CR 975", "Anatom", "NeuViz", "uCT", "uMR", "uMI", "uEXPLORER", "Swoop",
    "BioSpec", "PharmaScan", "TrueBeam", "Clinac", "Eclipse", "MOSAIQ", "Monaco", "XiO",
    "Pinnacle3", "RayStation", "CyberKnife", "SPECTRALIS", "CIRRUS", "NanoZoomer",
)  # fmt: skip
_SPACES = re.compile(r"[\s_^-]+")


def modality_term(text: str | None) -> str | None:
    """Return a modality of the standard, or None."""
    return text if text in MODALITIES else None


def photometric_term(text: str) -> str | None:
    """Return a photometric interpretation of the standard, or None."""
    return text if text in PHOTOMETRIC else None


def unit_term(text: str) -> str:
    """Return a unit of the standard, or ``"unrecognised"``; words of `fastpix.header` pass."""
    return text if text in UNITS or text in _NO_UNIT else "unrecognised"


def maker(text: str | None, names: Names) -> str | None:
    """Return a maker's name from the table, a keyed hash of an unknown one, or None."""
    if not text:
        return None
    plain = _plain(text)
    for name, marks in _MAKERS.items():
        if plain == name.lower() or any(plain.startswith(mark) for mark in marks):
            return name
    return f"unknown-{names.of_text(text)[:12]}"


def model(text: str | None, names: Names) -> str | None:
    """Return a product line from the table, a keyed hash of an unknown model, or None."""
    if not text:
        return None
    plain = _plain(text)
    lines = [line for line in _MODELS if plain.startswith(_plain(line))]
    return max(lines, key=len) if lines else f"unknown-{names.of_text(text)[:12]}"


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text.strip().lower())
