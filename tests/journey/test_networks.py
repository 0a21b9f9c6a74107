"""The networks that a command line names."""

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.networks import chosen_network, count_stages, with_stages


def test_networks_of_every_source_are_found_and_told_apart():
    found = chosen_network('mmpretrain::mobilenet-v2_8xb32_in1k', 3, '--student', False)
    assert found.pretrained and found.model.head.num_classes == 3 and found.model.backbone.init_cfg.checkpoint.startswith('http')
    assert not chosen_network('mmpretrain::mobilenet-v2_8xb32_in1k', 3, '--student', True).model.backbone.get('init_cfg')
    vit = chosen_network('timm/vit_tiny_patch16_224', 3, '--teacher', True)
    assert (vit.fixed_side, vit.batch_norm, vit.model.num_classes) == (224, False, 3)
    tiny = chosen_network('cifar/resnet8', 3, '--student', False)
    assert (tiny.pretrained, tiny.fixed_side, tiny.side, tiny.batch_norm) == (False, None, 32, True)


@pytest.mark.parametrize(
    ('name', 'word'), [('cifar/resnet9', 'resnet9'), ('timm/no_such_net', 'no_such_net'), ('nowhere.py', 'nowhere.py'),
                       ('resnet', 'resnet'), ('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', 'classifies images')])  # fmt: skip
def test_a_network_that_cannot_be_had_is_one_sentence_with_its_flag(name, word):
    with pytest.raises(PreflightError) as error:
        chosen_network(name, 3, '--student', True)
    assert '--student' in str(error.value) and word in str(error.value) and '\n' not in str(error.value)


def test_the_head_still_takes_the_last_stage():
    model = chosen_network('mmpretrain::mobilenet-v2_8xb32_in1k', 3, '--student', True).model
    assert with_stages(model).backbone.out_indices == (1, 2, 4, 7)
    assert with_stages(chosen_network('mmpretrain::resnet18_8xb32_in1k', 3, '--student', True).model).backbone.out_indices == (0, 1, 2, 3)


def test_as_many_maps_are_counted_as_a_loss_will_get():
    model = chosen_network('cifar/resnet8', 3, '--student', False).model
    assert count_stages(model, 16) == 1 and count_stages(with_stages(model), 16) == len(with_stages(model).backbone.out_indices) == 4


def test_a_network_without_a_backbone_keeps_its_config():
    model = chosen_network('timm/test_resnet', 3, '--student', True).model
    assert with_stages(model) is model
