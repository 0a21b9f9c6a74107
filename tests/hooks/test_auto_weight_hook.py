"""AutoWeightHook: a run that resumes keeps what was measured, another forgets it."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from mmkd_ext.hooks import AutoWeightHook
from mmkd_ext.losses import KDLoss


@pytest.mark.parametrize(('resumes', 'kept'), [(True, 0.5), (False, 1.0)])
def test_only_a_resumed_run_keeps_the_factor(resumes, kept):
    loss = KDLoss(loss_weight='auto:0.5')
    loss.auto_weight.see(torch.tensor(2.0), torch.tensor(2.0))
    model = SimpleNamespace(distill=dict(kd=loss, plain=KDLoss()))
    AutoWeightHook().before_train(SimpleNamespace(model=model, cfg={}, _resume=resumes, logger=MMLogger('measured')))
    assert loss.auto_weight.factor == kept
