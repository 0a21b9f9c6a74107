"""Formulas as MathML, which browsers draw by themselves: no script is fetched where a page is read."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _math(translator, node):
    block = isinstance(node, nodes.math_block)
    try:
        formula = convert(node.astext(), display='block' if block else 'inline')
    except Exception as error:
        logger.warning('A formula that can be drawn is needed, got %s: %r', node.astext(), error, location=node)
        raise nodes.SkipNode from error
    translator.body.append(f'<div class="math">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app):
    """Connects it."""
    app.add_html_math_renderer('mathml', inline_renderers=(_math, None), block_renderers=(_math, None))
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
