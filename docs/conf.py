"""How the manual is built: `make docs`."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import skykin  # noqa: E402

project = "Skykin"
author = "The Skykin developers"
copyright = "the Skykin developers"  # noqa: A001
version = release = skykin.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "commands",
    "described",
    "signatures",
    "unbroken",
]
exclude_patterns = ["_build", "_extensions", "results"]
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4

# Every notebook is executed anew, from the data of the packages; an error in one ends the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 900
nb_merge_streams = True
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two pages are read at a time

# Of what a terminal shows, the button copies the commands.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
default_role = "py:obj"  # names in docstrings are links
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_param = False  # parameters that are described together stay together
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "Skykin"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
