"""Students of unusual kinds learn in one step: the classifier in the backbone, timm, an ArcFace head, transformers."""

import json

import pytest
import torch
from mmpretrain.structures import DataSample

import mmkd_ext.models  # noqa: F401
from mmkd_ext.registry import MODELS

TINY = dict(type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
            neck=dict(type='GlobalAveragePooling'))  # fmt: skip
STUDENTS = {
    'Inception-v3': (dict(
        type='ImageClassifier', backbone=dict(type='InceptionV3', num_classes=5, aux_logits=True),
        head=dict(type='ClsHead', loss=dict(type='CrossEntropyLoss'))), 299),
    'timm': (dict(type='TimmClassifier', model_name='resnet10t', num_classes=5), 64),
    'ArcFace': (dict(**TINY, head=dict(type='ArcFaceClsHead', num_classes=5, in_channels=32)), 32),
    'several necks': (dict(
        type='ImageClassifier', backbone=dict(type='HRNet', arch='w18'),
        neck=[dict(type='HRFuseScales', in_channels=(18, 36, 72, 144)), dict(type='GlobalAveragePooling')],
        head=dict(type='LinearClsHead', num_classes=5, in_channels=2048)), 64),
}  # fmt: skip


def step(student, side, rng):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='mmkd_ext.OfflineDistiller', student=student, input_size=side,
        data_preprocessor=dict(type='mmpretrain.ClsDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3, to_rgb=True),
        teacher=dict(
            model=dict(**TINY, head=dict(type='LinearClsHead', num_classes=5, in_channels=32)),
            checkpoint=None, allow_random=True),
        losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), nd=dict(type='mmkd_ext.NDLoss'))))
    model.distill.nd.set_class_means(torch.randn(5, 32, generator=rng))
    before = {name: x.clone() for name, x in model.student.named_parameters()}
    images = torch.randn(4, 3, side, side, generator=rng)
    samples = [DataSample().set_gt_label(label) for label in (1, 3, 0, 4)]
    terms = model.train()(images, samples, mode='loss')
    sum(value for name, value in terms.items() if 'loss' in name).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    moved = sum(not torch.equal(x, before[name]) for name, x in model.student.named_parameters())
    return terms, moved / len(before)


@pytest.mark.parametrize('kind', list(STUDENTS))
@pytest.mark.filterwarnings('ignore::FutureWarning')  # mmpretrain's ArcFace asks torch.cuda for autocast
def test_a_step_moves_the_student(kind, rng):
    terms, moved = step(*STUDENTS[kind], rng)
    assert {'loss_student', 'loss_kd', 'loss_nd'} <= set(terms)
    assert all(value.isfinite() for value in terms.values())
    assert moved > 0.5  # some start behind a weight of zero


def test_a_step_moves_a_student_of_transformers(rng, tmp_path):
    pytest.importorskip('transformers', reason='HuggingFaceClassifier needs transformers, which is not installed')
    config = dict(model_type='resnet', architectures=['ResNetForImageClassification'], embedding_size=8,
                  hidden_sizes=[8, 16], depths=[1, 1], layer_type='basic', num_labels=5)  # fmt: skip
    (tmp_path / 'config.json').write_text(json.dumps(config))
    terms, moved = step(dict(type='HuggingFaceClassifier', model_name=str(tmp_path)), 32, rng)
    assert all(value.isfinite() for value in terms.values())
    assert moved > 0.5  # some start behind a weight of zero
