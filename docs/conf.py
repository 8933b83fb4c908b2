"""Sphinx configuration: `make docs` builds the site into docs/_build/html, warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path

from wattq import __version__

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "wattq"
author = "the wattq authors"
project_copyright = "the wattq authors, MIT licence"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated"]
exclude_patterns = ["_build", "_ext", "examples"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"wattq {version}"
html_static_path = ["_static"]
html_css_files = ["wattq.css"]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# Options start with two hyphens, which are no dash.
smartquotes = False

# Docstrings mark code with single backquotes.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False
# Napoleon makes a reference of every name under "Attributes"; several classes have attributes of one name.
suppress_warnings = ["ref.python"]
