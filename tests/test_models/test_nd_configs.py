"""Every config of configs/nd_loss builds its model, and its student is a plain one."""

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from test_tools.runs import REPO

from mmkd_ext.export import plain_model
from mmkd_ext.models import OfflineDistiller
from mmkd_ext.registry import MODELS

CONFIGS = sorted(p for p in (REPO / 'configs/nd_loss').glob('*.py') if 'study' not in p.name)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_it_builds(path):
    cfg = Config.fromfile(path)
    if 'teacher' in cfg.model:
        cfg.model.teacher.update(checkpoint=None, allow_random=True)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg.model)
        plain = MODELS.build(plain_model(cfg.model))
    if isinstance(model, OfflineDistiller):
        assert {k for k in model.state_dict() if not k.startswith('distill.')} == set(plain.state_dict())
        hooked = {hook.get('loss') for hook in cfg.custom_hooks if hook['type'].endswith('LossWarmupHook')}
        assert hooked <= set(model.distill)
        wanting = any(hasattr(loss, 'set_class_means') for loss in model.distill.values())
        assert wanting == any(hook['type'] == 'mmkd_ext.ClassMeansHook' for hook in cfg.custom_hooks)


def test_every_config_that_the_readme_names_is_there_and_the_other_way_round():
    text = (REPO / 'configs/nd_loss/README.md').read_text()
    assert CONFIGS
    for path in [*CONFIGS, REPO / 'configs/nd_loss/study_digits.py']:
        assert path.stem in text, path
