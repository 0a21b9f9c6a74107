"""DeiTHead: two classifiers, each with its own teacher, deployed as mmpretrain's head."""

import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from support.deit import DEIT

from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS


def build(cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg)


def test_deployed_it_is_mmpretrain_s_head(rng):
    ours, plain = build(DEIT).eval(), build(plain_model(DEIT)).eval()
    assert type(plain.head).__name__ == 'DeiTClsHead'
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(3, 3, 16, 16, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(ours(images, mode='tensor'), plain(images, mode='tensor'), rtol=0, atol=0)


def test_the_labels_teach_the_class_token_alone_and_the_recording_has_what_each_token_says(rng):
    model = build(DEIT).train()
    images, labels = torch.randn(3, 3, 16, 16, generator=rng), [1, 4, 0]
    with recording(model) as record:
        terms = model.loss(images, [DataSample().set_gt_label(k) for k in labels])
    outputs = record.outputs()
    class_token, distillation_token = record.embeddings
    torch.testing.assert_close(outputs.embedding, (class_token + distillation_token) / 2)
    torch.testing.assert_close(outputs.logits, model.head.layers.head(class_token))
    torch.testing.assert_close(outputs.token_logits, model.head.layers.head_dist(distillation_token))
    expected = torch.nn.functional.cross_entropy(outputs.logits, torch.tensor(labels))
    torch.testing.assert_close(terms['loss'], expected)
    terms['loss'].backward()
    assert model.head.layers.head.weight.grad.abs().sum() > 0 and model.head.layers.head_dist.weight.grad is None


def test_other_networks_have_no_token(rng):
    model = build(dict(DEIT, backbone=dict(DEIT['backbone'], type='VisionTransformer'),
                       head=dict(type='VisionTransformerClsHead', num_classes=5, in_channels=16)))
    with recording(model) as record:
        model(torch.randn(2, 3, 16, 16, generator=rng), mode='tensor')
    assert record.outputs().token_logits is None
