"""Every module and every registered type is in the API: its pages are made from the package as it is, and what is missing is a warning."""

import importlib
import pkgutil
import re
from collections.abc import Collection, Iterable

from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import mmkd_ext
from mmkd_ext import registry

logger = logging.getLogger(__name__)


def rooms() -> dict[str, list[str]]:
    """Each package of mmkd_ext -> its modules, by full names."""
    found: dict[str, list[str]] = {'mmkd_ext': []}
    for module in pkgutil.walk_packages(mmkd_ext.__path__, 'mmkd_ext.'):
        if module.ispkg:
            found[module.name] = []
        else:
            found[module.name.rpartition('.')[0]].append(module.name)
    return found


def registered() -> list[str]:
    """Full names of all types that a config can name as `mmkd_ext.<Type>`."""
    for package in ('losses', 'models', 'hooks', 'datasets', 'evaluation', 'optim'):
        importlib.import_module(f'mmkd_ext.{package}')
    kinds = [each for each in vars(registry).values() if isinstance(each, registry.ZooRegistry)]
    types = {each for kind in kinds for each in kind.module_dict.values() if each.__module__.startswith('mmkd_ext.')}
    return sorted(f'{each.__module__}.{each.__qualname__}' for each in types)


def missing(wanted: Iterable[str], documented: Collection[str]) -> list[str]:
    """A sentence for each name that the API lacks."""
    return [
        f'{name} is not in the API. Name its package in docs/api/index.md and give it a docstring.'
        for name in wanted if name not in documented]  # fmt: skip


def linked(name: str, objects: dict[str, str]) -> str | None:
    """The one class, exception or function (full name -> kind) that a docstring means by a short name; None: none or several."""
    short = name.removesuffix('()')
    if not re.fullmatch(r'[\w.]*[A-Z_.][\w.]*', short):  # `size` is an argument's name more often than a function's
        return None
    found = [
        full for full, kind in objects.items() if kind in ('class', 'exception', 'function') and f'.{full}'.endswith(f'.{short}')]
    return found[0] if len(found) == 1 else None


def _check(app, env):
    domain = env.get_domain('py')
    wanted = [name for room, modules in rooms().items() for name in (room, *modules)]
    for sentence in [*missing(wanted, domain.modules), *missing(registered(), domain.objects)]:
        logger.warning(sentence)


def _link(app, env, node, contnode):
    if node.get('refdomain') != 'py':
        return None
    objects = env.get_domain('py').objects
    full = linked(node['reftarget'], {name: each.objtype for name, each in objects.items()})
    if full is None:
        return None
    return make_refnode(app.builder, node['refdoc'], objects[full].docname, objects[full].node_id, contnode, full)


def setup(app):
    """Connects it."""
    app.config.autosummary_context['modules_of'] = rooms()
    app.connect('env-check-consistency', _check)
    app.connect('missing-reference', _link)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
