"""backbone_spec: a network of any zoo as its backbone alone."""

import pytest
import torch

from mmkd_ext.models.zoo.backbone_config import backbone_spec
from mmkd_ext.models.zoo.trained_network import build_trained


@pytest.mark.parametrize(('spec', 'kind'), [
    ('cifar/resnet8', 'mmkd_ext.CIFARResNet'),
    ('timm/test_resnet', 'mmpretrain.TIMMBackbone'),
    ('torchvision/resnet18', 'mmkd_ext.TorchvisionBackbone'),
    ('resnet18_8xb32_in1k', 'mmpretrain.ResNet'),
    ('mmpretrain::resnet/resnet18_8xb32_in1k.py', 'mmpretrain.ResNet'),
    (dict(type='mmpretrain.ResNet', depth=18), 'mmpretrain.ResNet'),
    (dict(type='ResNet', depth=18), 'mmpretrain.ResNet'),
    (dict(model='cifar/resnet8', options=dict(backbone=dict(depth=14))), 'mmkd_ext.CIFARResNet'),
    (dict(type='mmkd_ext.BackboneModel', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8)), 'mmkd_ext.CIFARResNet'),
    pytest.param('mmdet::retinanet/retinanet_r18_fpn_1x_coco.py', 'mmdet.ResNet', marks=pytest.mark.det),
])
def test_each_way_to_name_a_network_gives_its_backbone(spec, kind):
    found = backbone_spec(spec)
    assert found['model']['type'] == 'mmkd_ext.BackboneModel' and found['model']['backbone']['type'] == kind
    assert backbone_spec(found['model']) == found  # once is enough
    assert 'type' not in (found['model'].get('data_preprocessor') or {})


def test_a_checkpoint_of_the_whole_network_gives_the_backbone(tmp_path):
    whole = build_trained('cifar/resnet8', None, 'mmpretrain')
    torch.save(whole.state_dict(), tmp_path / 'whole.pth')
    model = build_trained(backbone_spec(dict(model='cifar/resnet8', checkpoint=str(tmp_path / 'whole.pth'))), None, 'mmpretrain')
    assert set(model.state_dict()) == {key for key in whole.state_dict() if key.startswith('backbone.')}
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(('spec', 'word'), [
    (dict(model='cifar/resnet8', num_classes=5), 'num_classes=5: leave it out'),
    (dict(model='cifar/resnet8', precision='bf16'), 'precision is for a frozen teacher'),
    ('timm/nothing', 'A network that timm knows is needed'),
    ('torchvision/nothing', 'A network that torchvision knows is needed'),
    (dict(depth=18), 'needs a name, a model config'),
])
def test_a_spec_that_is_none_is_one_sentence(spec, word):
    with pytest.raises(ValueError, match=word):
        backbone_spec(spec)
