"""Parts of a config that the runner looks up only in a run of several processes, or without naming what it did not find."""

from collections.abc import Mapping
from typing import Any

import torch.distributed
from mmengine.registry import FUNCTIONS, MODEL_WRAPPERS

from mmkd_ext.explain.sentences import check_known

_SYNC_BN = ('torch', 'mmcv')


def check_unread_types(cfg: Mapping[str, Any]) -> None:
    """Whether the wrapper of the model, the loaders' functions, synchronised BatchNorm and the backend of the processes are known ones.

    Args:
        cfg: Of a run; its `custom_imports` have been imported.

    Raises:
        ValueError: A wrapper without a type, or a word for `sync_bn` or the backend that mmengine or torch does not know.
        KeyError: A wrapper or a function that no registry knows, as mmengine raises it.
    """
    wrapper = cfg.get('model_wrapper_cfg')
    if wrapper:
        kind = wrapper.get('type')
        if kind is not None and not isinstance(kind, str) and not callable(kind):
            raise ValueError(f'A wrapper such as MMDistributedDataParallel is needed, got {kind!r}. Look at model_wrapper_cfg.type.')
        check_known(MODEL_WRAPPERS, kind)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for key in ('collate_fn', 'worker_init_fn'):
            function = (cfg.get(loader) or {}).get(key)
            if isinstance(function, Mapping):
                check_known(FUNCTIONS, function.get('type'))
    if cfg.get('sync_bn') not in (None, *_SYNC_BN):
        raise ValueError(f"sync_bn needs to be 'torch', 'mmcv' or left out, got {cfg['sync_bn']!r}. Look at sync_bn in the config.")
    for key, part in (cfg.get('env_cfg') or {}).items():
        if key.endswith('_cfg') and not isinstance(part, Mapping | None):
            raise ValueError(f'A dict is needed as env_cfg.{key}, got {part!r}. Look at env_cfg in the config.')
    backend = ((cfg.get('env_cfg') or {}).get('dist_cfg') or {}).get('backend')
    known = torch.distributed.Backend.backend_list
    told = [each.rpartition(':')[2].lower() for each in backend.split(',')] if isinstance(backend, str) else [backend]
    if backend is not None and not all(each in known for each in told):
        raise ValueError(
            f'A backend of torch.distributed is needed, one of {", ".join(each for each in known if each != "undefined")}, got '
            f'{backend!r}. Look at env_cfg.dist_cfg.backend.')
