"""TimmBackbone: what is frozen neither learns nor counts, and everything else is mmpretrain's TIMMBackbone."""

import pytest
import torch
from mmpretrain.models import TIMMBackbone

from mmkd_ext.models import TimmBackbone

LITE0 = dict(model_name='tf_efficientnet_lite0', features_only=True, feature_cls='getter', out_indices=(2, 3))
FROZEN = ('conv_stem', 'bn1', 'blocks.0')


def test_frozen_parts_stay_as_they_are_and_the_others_learn(rng):
    backbone = TimmBackbone(**LITE0, frozen=FROZEN).train()
    before = {key: x.clone() for key, x in backbone.state_dict().items()}
    images = torch.randn(2, 3, 64, 64, generator=rng)
    sum(x.square().mean() for x in backbone(images)).backward()
    torch.optim.SGD(backbone.parameters(), lr=0.1).step()
    stays = {key for key, x in backbone.state_dict().items() if torch.equal(x, before[key])}
    frozen = {key for key in before if key.removeprefix('timm_model.model.').startswith(tuple(f'{name}.' for name in FROZEN))}
    assert frozen and stays == frozen
    backbone.eval()
    assert not any(module.training for module in backbone.modules())


def test_without_frozen_parts_it_is_mmpretrain_s(rng):
    torch.manual_seed(0)
    ours = TimmBackbone(**LITE0).train()
    torch.manual_seed(0)
    theirs = TIMMBackbone(**LITE0)
    theirs.train()
    assert all(module.training for module in ours.modules())
    images = torch.randn(2, 3, 64, 64, generator=rng)
    for mine, other in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=0)


def test_a_name_that_is_no_module_is_refused():
    with pytest.raises(ValueError, match=r"as frozen, got 'block.0'; there are conv_stem, bn1"):
        TimmBackbone(**LITE0, frozen=('conv_stem', 'block.0'))
