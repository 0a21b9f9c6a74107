"""Sphinx's settings: MyST pages, the API from the docstrings, commands that are run by the build."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
REPO = DOCS.parent
sys.path[:0] = [str(REPO), str(DOCS / '_ext')]

from mmkd_ext import __version__  # noqa: E402

project, author, copyright = 'mmkd_ext', 'the authors of mmkd_ext', 'the authors of mmkd_ext, Apache-2.0'
version = release = __version__

extensions = [
    'myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.autosummary', 'sphinx.ext.napoleon', 'run_commands',
    'repository_links', 'mathml', 'complete_api']
exclude_patterns = ['_build']
templates_path = ['_templates']

myst_heading_anchors = 4
myst_enable_extensions = ['colon_fence']

autosummary_generate = True
autosummary_context = {}  # filled by complete_api
autodoc_default_options = {'members': True, 'show-inheritance': True, 'member-order': 'bysource'}
autodoc_typehints_format = 'short'
python_use_unqualified_type_names = True
napoleon_custom_sections = [('Shapes', 'params_style')]
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = 'py:obj'  # `name` in a docstring is code, and a link where there is such a thing

nitpicky = True
_OTHERS = 'torch|torchvision|numpy|sklearn|scipy|matplotlib|timm|mmengine|mmcv|mmpretrain|mmdet|mmseg|PIL'
_PYTHON = 'argparse|collections|contextlib|inspect|logging|pathlib|subprocess|types|typing|threading'
nitpick_ignore_regex = [
    ('py:obj', '.*'),  # code in a docstring; a link where there is such a thing
    ('py:.*', rf'({_OTHERS}|{_PYTHON})\..*'),  # their inventories would have to be fetched
    ('py:.*', r'mmkd_ext\..*\._\w+')]  # a base class that is private

html_theme = 'furo'
html_math_renderer = 'mathml'
html_title = f'mmkd_ext {__version__}'
html_static_path = ['_static']
html_css_files = ['output.css']
html_show_sphinx = False
html_copy_source = False
