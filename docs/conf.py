"""The documentation site: ``nox -s docs`` builds it, with warnings as errors.

The pages are the Markdown files beside this file, which are read in the repository, too. Pages that
only the site has are .rst files, or are made here: the traps with their pictures, the commands, the
examples, the API.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "site"), str(ROOT / "examples")]

import links  # noqa: E402
import made_pages  # noqa: E402
import shown_examples  # noqa: E402

import fastpix  # noqa: E402

project = "fastpix"
author = "The fastpix developers"
copyright = author
version = release = fastpix.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
root_doc = "index"
exclude_patterns = ["made/examples", "made/output"]
nitpicky = False  # types in docstrings are written for people
suppress_warnings = ["config.cache"]  # functions among the settings of the gallery

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # the anchors that forges give

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has them in words
autodoc_mock_imports = [name for name in ("torch", "monai", "torchio") if find_spec(name) is None]
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "fastpix"
html_static_path = ["static"]
html_css_files = ["fastpix.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "fastpix"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
html_sidebars = {"index": [], "made/traps": [], "start": [], "performance": [], "contributing": []}

sphinx_gallery_conf = shown_examples.settings(ROOT / "examples", HERE / "made")


def setup(app: Any) -> None:
    """Make the pages that are made, and turn links of the repository into links of the site."""
    made_pages.write(HERE / "made")
    app.connect("source-read", links.of_the_site)
