"""A study's file, read and checked, and the config of each of its runs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.utils import import_modules_from_strings

from mmkd_ext.config.cfg_options import merge_options
from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.plain_config import plain_model

_OF_LOSSES = ('mmkd_ext.ClassMeansHook', 'mmkd_ext.LossWarmupHook')  # a plain network has none
_KEYS = (
    'variants', 'seeds', 'metric', 'config', 'options', 'also', 'unit', 'differences', 'same_start', 'teachers', 'full', 'folder')
RESERVED = ('results.json', 'table.md', 'table.png', 'teachers', 'start')  # beside the variants' folders


def variant_config(variant: dict, folder: Path, options: Mapping[str, Any] | None = None) -> Path:
    """Write a variant's config: the named one with the study's options and its own, or the plain network of it."""
    cfg = load_config(variant['config'])
    asked = {**(options or {}), **(variant.get('options') or {})}
    merge_options(cfg, asked, variant['config'], f'The options of a variant of {variant["config"]}')
    if variant.get('plain'):
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
        cfg.model = plain_model(cfg.model)
        if cfg.get('custom_hooks'):
            cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.get('type') not in _OF_LOSSES]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'config.py'
    cfg.dump(path)
    return path


def load_plan(path: Path, full: bool = False) -> Any:
    """A file's `study`, each variant with its config; `full`: with the settings of its long form.

    Raises:
        PreflightError: There is none, or one without variants, configs, seeds or a metric.
    """
    plan: Any = load_config(str(path)).get('study')
    if full and isinstance(plan, dict):
        if not isinstance(plan.get('full'), dict):
            raise PreflightError(f'--full needs a study with full=dict(...), the settings of its long form, got none: look at {path}.')
        plan.update(_merged(plan, plan['full']))
    if isinstance(plan, dict) and isinstance(plan.get('variants'), dict) and 'config' in plan:
        for variant in plan['variants'].values():
            if isinstance(variant, dict):
                variant.setdefault('config', plan['config'])
    _check_plan(plan, path)
    return plan


def _check_plan(plan: Any, path: Path) -> None:
    if not isinstance(plan, dict):
        raise PreflightError(f'A file with a dict `study` is needed, got {path}. See configs/teskd/study_digits.py.')
    for place, part, known in _parts(plan):
        unread = [key for key in part if key not in known]
        if unread:
            raise PreflightError(f'{place} takes {", ".join(known)}, got {unread[0]!r}, which nobody reads: look at {path}.')
    for place, value, kind in _typed(plan):
        if value is not None and not isinstance(value, kind):
            raise PreflightError(f'A study needs {place} to be a {kind.__name__}, got {value!r}: look at {path}.')
    if plan.get('unit') not in (None, 'percent'):
        raise PreflightError(f"A study needs unit to be 'percent' or left out, got {plan['unit']!r}: look at {path}.")
    wrong = [key for key, kind in (('variants', dict), ('seeds', list), ('metric', str)) if not isinstance(plan.get(key), kind)]
    wrong += ['metric'] if plan.get('metric') == '' else []
    variants = {} if wrong else plan['variants']
    wrong += [f'variants.{name}.config' for name, v in variants.items() if not isinstance(v, dict) or 'config' not in v]
    also = {} if wrong else plan.get('also') or {}
    wrong += [f'also.{name} (a list of metrics)' for name, each in also.items() if not isinstance(each, list) or not each]
    if wrong or not variants or not plan['seeds']:
        raise PreflightError(
            'A study with variants (each with its config), seeds and a metric is needed, got one without '
            f'{", ".join(wrong) or "a variant or a seed"}: look at {path}.'
        )
    pairs = plan.get('differences') or {}
    strange = [each for name, base in pairs.items() for each in (name, *baselines(base)) if each not in variants]
    teachers = plan.get('teachers') or {}
    strange += [v.teacher for v in variants.values() if v.get('teacher') is not None and v.teacher not in teachers]
    befores = {name: v.before for name, v in variants.items() if v.get('before') is not None}
    strange += [f'variants.{name}.before' for name, each in befores.items() if 'config' not in each or 'option' not in each]
    strange += [each.teacher for each in befores.values() if each.get('teacher') is not None and each.teacher not in teachers]
    strange += [f'teachers.{name}' for name, each in teachers.items() if not isinstance(each, dict) or 'config' not in each]
    if strange:
        raise PreflightError(
            'Differences between variants, teachers with a config, and what goes before a variant with a config and an option are needed, '
            f'got {", ".join(map(str, strange))}: look at {path}.')
    if befores and plan.get('same_start'):
        raise PreflightError(
            'A study whose variants start from what goes before them is needed, got same_start too, which would replace it: look at '
            f'{path}.')
    for name in teachers:
        if not _names_a_folder(name):
            raise PreflightError(f'A teacher whose name can be a folder in the study\'s own is needed, got {name!r}: look at {path}.')
    if plan.get('folder') is not None and not _names_a_folder(plan['folder']):
        raise PreflightError(f'A folder that is one name is needed, got {plan["folder"]!r}: look at `folder` of {path}.')
    for name in variants:
        if not _names_a_folder(name) or name in RESERVED:
            raise PreflightError(f'A variant whose name can be a folder in the study\'s own is needed, got {name!r}: look at {path}.')
    check_seeds(plan['seeds'], path)


def _parts(plan: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
    """Name, dict and keys of a study's parts that have keys of their own."""
    yield 'A study', plan, _KEYS
    for name, variant in plan['variants'].items() if isinstance(plan.get('variants'), Mapping) else ():
        if isinstance(variant, Mapping):
            yield f'The variant {name} of a study', variant, ('config', 'plain', 'options', 'teacher', 'before')
            if isinstance(variant.get('before'), Mapping):
                yield f'`before` of the variant {name}', variant['before'], ('config', 'option', 'options', 'teacher')
    for name, teacher in plan['teachers'].items() if isinstance(plan.get('teachers'), Mapping) else ():
        if isinstance(teacher, Mapping):
            yield f'The teacher {name} of a study', teacher, ('config', 'options')


def _typed(plan: Mapping[str, Any]) -> Iterator[tuple[str, Any, type]]:
    """Place, value and type of what a study may leave out."""
    kinds = dict(options=dict, also=dict, differences=dict, teachers=dict, same_start=str, config=str)
    yield from ((key, plan.get(key), kind) for key, kind in kinds.items())
    for part in ('variants', 'teachers'):
        for name, each in (plan.get(part) or {}).items() if isinstance(plan.get(part), dict) else ():
            if isinstance(each, dict):
                yield f'{part}.{name}.config', each.get('config'), str
                yield f'{part}.{name}.options', each.get('options'), dict
                yield f'{part}.{name}.plain', each.get('plain'), bool
                yield f'{part}.{name}.before', each.get('before'), dict
                for key, kind in dict(config=str, options=dict, option=str).items() if isinstance(each.get('before'), dict) else ():
                    yield f'{part}.{name}.before.{key}', each['before'].get(key), kind


def _names_a_folder(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip('. ')) and Path(name).name == name and '\0' not in name and len(name.encode()) <= 200


def baselines(named: Any) -> Sequence[Any]:
    """The baselines that an entry of `differences` names, one or several."""
    return named if isinstance(named, list | tuple) else [named]


def check_seeds(seeds: Sequence[Any], where: object) -> None:
    """Refuse what is no seed, and one that is given twice: a deviation over runs of one seed says nothing."""
    wrong = [seed for seed in seeds if type(seed) is not int or not 0 <= seed < 2**32]
    twice = [seed for seed in seeds if seeds.count(seed) > 1]
    if wrong or twice:
        got = f'{wrong[0]!r}' if wrong else f'{twice[0]} more than once'
        raise PreflightError(f'Seeds of 0 to {2**32 - 1}, each once, are needed, got {got}: look at {where}.')


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two dicts, and dicts inside them; the newer one's values win."""
    both = dict(old)
    for key, value in new.items():
        nested = isinstance(value, Mapping) and isinstance(old.get(key), Mapping)
        both[key] = _merged(old[key], value) if nested else value
    return both
