"""One sentence for an error of mmengine, mmpretrain, mmdet, torch or our modules."""

import difflib
import dis
import errno
import os
import re
import traceback
from types import FrameType, TracebackType

import mmengine
import mmengine.registry
import torch
from mmengine.registry import DefaultScope, Registry
from torch import nn

from .failing_line import failing_line
from .unbuilt_part import MORE, unbuilt_part

_OURS = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep  # the whole package
_HOST = os.path.dirname(os.path.realpath(mmengine.__file__)) + os.sep
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a full disk, a full quota, a file that may not grow
_LONGEST = 400  # characters of a library's text: some errors of mmengine quote whole configs

# What the runner does before the first iteration, and the part of the config that it reads there.
_PLACES = {
    '__init__': 'the top level',
    '_check_scheduler_cfg': 'param_scheduler',
    '_init_model_weights': 'init_cfg or pretrained of the model',
    '_maybe_compile': 'compile',
    'build_dataloader': '{loop}_dataloader',
    'build_evaluator': '{loop}_evaluator',
    'build_log_processor': 'log_processor',
    'build_logger': 'log_level',
    'build_model': 'model',
    'build_optim_wrapper': 'optim_wrapper',
    'build_param_scheduler': 'param_scheduler',
    'build_test_loop': 'test_cfg',
    'build_train_loop': 'train_cfg',
    'build_val_loop': 'val_cfg',
    'build_visualizer': 'visualizer',
    'load_or_resume': 'load_from and resume',
    'register_custom_hooks': 'custom_hooks',
    'register_default_hooks': 'default_hooks',
    'scale_lr': 'auto_scale_lr',
    'set_randomness': 'randomness',
    'setup_env': 'env_cfg',
    'wrap_model': 'model_wrapper_cfg',
}
# What it reads later, where most errors are not the config's.
_LATER_PLACES = {'_clip_grad': 'optim_wrapper.clip_grad', 'evaluate': '{loop}_evaluator'}


def one_line(error: BaseException) -> str:
    """Kind and text of an error on one line; a KeyError's text comes without its quotes."""
    text = ' '.join((str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)).split())
    text = text if len(text) <= _LONGEST else f'{text[:_LONGEST]} [...]'
    return f'{type(error).__name__}: {text}'.rstrip(': ').removesuffix('.')


def sentence(error: BaseException) -> str | None:
    """The sentence for an error that a user can mend, or None for one that needs its traceback.

    Explained are: a type that no registry knows or that is absent, an error that our own code raised on purpose,
    arguments that a type's constructor refuses, and whatever the runner cannot build from the config.
    """
    full = full_disk(error)
    if full is not None:
        return full
    text = one_line(error)
    unknown = re.search(r'(\S+) is not in the (?:\S+?::)?([\w ]+?) registry', text)
    if isinstance(error, KeyError) and unknown:
        return _unknown_type(*unknown.groups())
    stack = list(traceback.walk_tb(error.__traceback__))
    if not stack:
        return None
    frames = [frame for frame, _ in stack]
    if (of_worker := _raised_by_us_in_a_worker(error)) is not None:
        return of_worker
    if isinstance(error, ValueError | TypeError | FloatingPointError | RuntimeError) and _raised_by_us(error.__traceback__):
        text, where = ' '.join(str(error).split()), _place(error, frames)
        if where is None or 'look at' in text.lower():
            return text
        return f'{text if text.endswith(("?", ".")) else f"{text}."} Look at {where} in the config.'
    wrapped = next((f.f_locals.get('model') for f in frames if f.f_code.co_name == 'wrap_model'), None)
    if isinstance(wrapped, nn.Module) and sync_bn_without_gpus(wrapped):
        return sync_bn_without_gpus(wrapped)
    if isinstance(error, NotImplementedError | AssertionError | AttributeError) and (
            'get_layer_depth' in text or frames[-1].f_code.co_name == 'get_layer_depth'):
        asked = frames[-1].f_locals.get('self')
        network = type(getattr(asked, 'backbone', asked)).__name__ if frames[-1].f_code.co_name == 'get_layer_depth' else 'one'
        return (
            f'Layer-wise learning rates need networks that tell the depth of a layer (get_layer_depth), got {network} without. Look at '
            'optim_wrapper: constructor and paramwise_cfg.layer_decay_rate.'
        )
    if isinstance(error, FileNotFoundError) and not str(error) and 'checkpoint_path' in frames[-1].f_locals:  # timm's, which says nothing
        return (
            f"A file of timm's weights is needed, got none at {frames[-1].f_locals['checkpoint_path']}. Look at pretrained_cfg_overlay of "
            'the backbone; configs that start from EfficientNet-Lite take the folder from MMKD_WEIGHTS, and '
            'tools/model_converters/efficientnet_lite.py makes the file.')
    if not str(error) or (isinstance(error, TypeError) and 'argument' not in text):
        text += failing_line(error)
    layer = next((frame for frame in frames if frame.f_code.co_name == 'build_norm_layer'), None)
    if layer is not None and 'process group has not been initialized' in text:
        return (
            f'{layer.f_locals.get("layer_type")} needs several processes on GPUs, got one process. Look at norm_cfg in '
            "model: type 'BN' or 'GN', or 'SyncBN', which becomes BN in one process."
        )
    if isinstance(error, KeyError) and 'Cannot find None' in text and layer is not None:
        return _unknown_type(str(layer.f_locals.get('layer_type')), 'model')
    empty = next((frame.f_locals.get('self') for frame in frames if frame.f_code.co_name == '_serialize_data'), None)
    if empty is not None and not empty.data_list:
        return (
            f'Data with one sample or more is needed, got none in {type(empty).__name__} (ann_file {empty.ann_file!r}, data_prefix '
            f'{empty.data_prefix}, filter_cfg {empty.filter_cfg}, indices {empty._indices}). Look at these in the config; filter_cfg '
            'leaves out small images and those without boxes of the classes.'
        )
    place = _place(error, frames)
    part = unbuilt_part(error, text, frames, place)
    if part is not None:
        return part
    return f'Settings that mmengine can use are needed in {place}, got {text}. Look at {place} {MORE}.' if place else None


def full_disk(error: BaseException) -> str | None:
    """The sentence of an error that a full disk made, or that was raised while one was handled, whoever wrote; None for others."""
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen:
        seen.append(each)
        if isinstance(each, OSError) and each.errno in _NO_ROOM:
            file = f' to write {each.filename}' if each.filename else ''
            return (
                f'A disk with room is needed{file}, got: {each.strerror or each}. Free some room, or write to another disk (--work-dir, '
                'or TMPDIR for temporary files); checkpoints that were there are whole, and --resume goes on from them.')
        each = each.__cause__ or each.__context__
    return None


def module_that_raised(model: nn.Module, error: BaseException) -> str:
    """`.` and the dotted path of the innermost module of the model's own that was running; nothing for none."""
    names = {id(module): name for name, module in model.named_modules() if name}
    found = ''
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = names.get(id(frame.f_locals.get('self')), found)
    return f'.{found}' if found else ''


def sync_bn_without_gpus(model: nn.Module) -> str | None:
    """The sentence for a model whose SyncBN layers cannot run, since there is no GPU; None for any other.

    In one process mmengine has replaced them by BN before this is asked.
    """
    # By name: mmcv's can only be imported where its ops are compiled.
    layers = [name for name, module in model.named_modules() if type(module).__name__ == 'SyncBatchNorm']
    if not layers or torch.cuda.is_available():
        return None
    return (
        f'SyncBN needs GPUs, got CPU processes and {len(layers)} SyncBN layers, the first at model.{layers[0]}. '
        f"Look at norm_cfg of model.{layers[0].split('.')[0]}: type 'BN' or 'GN' runs on CPUs."
    )


def check_known(registry: Registry, name: object) -> None:
    """Refuse a type's name on which mmengine would fail with an error that does not name it.

    Raises:
        KeyError: As mmengine's own `build` raises it.
    """
    with registry.switch_scope_and_registry(None) as found:
        if isinstance(name, str) and found.get(name) is None:
            raise KeyError(f'{name} is not in the {found.scope}::{found.name} registry')


def _raised_by_us(trace: TracebackType | None) -> bool:
    """Whether a `raise` of ours made it: a call of ours with wrong arguments is an error in our file too."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not os.path.realpath(trace.tb_frame.f_code.co_filename).startswith(_OURS):
        return False
    return dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]] == 'RAISE_VARARGS'


def _raised_by_us_in_a_worker(error: BaseException) -> str | None:
    """The text of an error of ours that torch brings from a loader's process, with that process's traceback before it."""
    text = str(error)
    if not re.match(r'Caught \w+ in DataLoader worker process', text):
        return None
    files = re.findall(r'^  File "(.+?)", line', text, flags=re.MULTILINE)
    last = text.rpartition(f'\n{type(error).__name__}: ')[2]
    return ' '.join(last.split()) if files and os.path.realpath(files[-1]).startswith(_OURS) and last != text else None


def _place(error: BaseException, frames: list[FrameType]) -> str | None:
    """What to look at in the config when mmengine was reading it; None elsewhere."""
    if isinstance(error, MemoryError):
        return None
    names = [frame.f_code.co_name for frame in frames]
    files = [os.path.realpath(frame.f_code.co_filename) for frame in frames]
    loop = next((name for name in ('train', 'val', 'test') if _inside(name, names, files)), 'its')
    config_error = isinstance(error, ValueError | TypeError | KeyError | AssertionError)
    for frame, name, file in zip(frames[::-1], names[::-1], files[::-1], strict=True):
        if not file.startswith(_HOST):
            continue
        if name in _PLACES and os.path.basename(file) == 'runner.py':
            return _PLACES[name].format(loop=loop)
        if name in _LATER_PLACES and config_error:
            return _LATER_PLACES[name].format(loop=loop)
        if name == 'call_hook':
            hook = type(frame.f_locals.get('hook')).__name__
            started = str(frame.f_locals.get('fn_name')).startswith(('before_run', 'before_train'))
            cause = error.__cause__ or error.__context__ or error  # the runner raises a hook's TypeError anew
            last = [file for file, *_ in traceback.extract_tb(cause.__traceback__)][-1:]
            of_host = bool(last) and os.path.realpath(last[0]).startswith(os.path.join(_HOST, 'hooks'))
            return f'{hook} of default_hooks or custom_hooks' if started or (config_error and of_host) else None
    return None


def _inside(loop: str, names: list[str], files: list[str]) -> bool:
    if f'build_{loop}_loop' in names:
        return True
    # the validation runs inside the training
    running = [name for name, file in zip(names, files, strict=True) if file.endswith(os.sep + 'loops.py')]
    return loop == 'val' and len(running) > 1


def _unknown_type(name: str, registry_name: str) -> str:
    registry = next((r for r in vars(mmengine.registry).values() if isinstance(r, Registry) and r.name == registry_name), None)
    known = sorted(_names(registry)) if registry is not None else []
    close = [one for one in known if one.split('.')[-1] == name.split('.')[-1]] or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f'Did you mean {" or ".join(close)}?' if close else 'Look at its spelling, its prefix and custom_imports.'
    return f'A registered {registry_name} type is needed, got {name!r}, which no {registry_name} registry knows. {hint}'


def _names(registry: Registry) -> set[str]:
    """Names in a root registry and its children, as a config of the default scope writes them."""
    names = set(registry.module_dict)
    default = DefaultScope.get_current_instance()
    for scope, child in registry.children.items():
        if scope == 'mmkd_ext':
            child.import_from_location()  # of a config that names none of ours correctly
        bare = default is not None and scope == default.scope_name
        names |= {name if bare else f'{scope}.{name}' for name in child.module_dict}
    return names
