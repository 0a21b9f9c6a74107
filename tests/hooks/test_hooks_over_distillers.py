"""Hooks of mmpretrain that look into the model find the student's parts in a distiller."""

from types import SimpleNamespace

import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmpretrain.engine.hooks import SwitchRecipeHook
from mmpretrain.models import LabelSmoothLoss
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from mmkd_ext.models.distillers import OfflineDistiller

CLASSIFIER = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=5, in_channels=32))
TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5, loss=dict(type='CrossEntropyLoss'))
TEACHER = dict(model=CLASSIFIER, checkpoint=None, allow_random=True)


def test_a_recipe_is_switched_as_for_the_student_alone(rng):
    images, labels = torch.randn(2, 3, 64, 64, generator=rng), torch.tensor([1, 3])
    samples = [DataSample().set_gt_label(label) for label in labels]
    for cfg in (CLASSIFIER, TIMM):
        model = OfflineDistiller(cfg, TEACHER, dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0)), input_size=32).eval()
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            alone = MODELS.build(cfg).eval()
        alone.load_state_dict(model.student.state_dict())
        keys = list(model.state_dict())
        loss = dict(type='LabelSmoothLoss', label_smooth_val=0.3, num_classes=5)
        for each in (model, alone):
            hook = SwitchRecipeHook([dict(action_epoch=1, loss=loss)])
            with DefaultScope.overwrite_default_scope('mmpretrain'):
                hook.before_train_epoch(SimpleNamespace(model=each, epoch=0, logger=MMLogger.get_current_instance()))
        assert list(model.state_dict()) == keys
        assert any(isinstance(x, LabelSmoothLoss) for x in model.student.modules())
        terms = model.loss(images, samples)
        torch.testing.assert_close(terms['loss_student'], alone.loss(images, samples)['loss'])


def test_the_parts_are_the_students():
    model = OfflineDistiller(CLASSIFIER, TEACHER, dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0)), input_size=32)
    assert model.head is model.student.head and model.backbone is model.student.backbone and model.with_neck
    assert not hasattr(model, 'roi_head')
