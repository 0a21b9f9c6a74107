"""Registries of mmkd_ext, children of mmengine's.

Each registry here is a child of mmengine's root of the same kind, so a config of mmpretrain or mmdet finds our types under the
prefix `mmkd_ext.` and, inside our scope, an unprefixed type falls back to the root. The file's name is fixed: mmengine resolves the
prefix by importing `<scope>.registry`.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import Registry

MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmkd_ext', locations=['mmkd_ext.losses', 'mmkd_ext.models'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmkd_ext', locations=['mmkd_ext.hooks'])
DATASETS = Registry('dataset', parent=MMENGINE_DATASETS, scope='mmkd_ext', locations=['mmkd_ext.datasets'])
FUNCTIONS = Registry('function', parent=MMENGINE_FUNCTIONS, scope='mmkd_ext', locations=['mmkd_ext.datasets'])
METRICS = Registry('metric', parent=MMENGINE_METRICS, scope='mmkd_ext', locations=['mmkd_ext.evaluation'])
OPTIM_WRAPPERS = Registry(
    'optim_wrapper', parent=MMENGINE_OPTIM_WRAPPERS, scope='mmkd_ext', locations=['mmkd_ext.optim']
)
