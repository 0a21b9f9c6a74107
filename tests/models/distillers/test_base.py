"""The kind of a student's config decides: the distillers' general names do with detectors what their two-stage names do."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from support.detection import LOSSES, raw, read, teacher_of, tiny, with_means

from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

ALONE = dict(student=tiny(), teacher=teacher_of(tiny(width=16)), losses=LOSSES, input_size=64)
TOGETHER = dict(
    students=dict(a=tiny(), b=tiny(embedding=24)), teacher=tiny(width=16), input_size=64, data_preprocessor=tiny()['data_preprocessor'],
    losses=dict(kd=LOSSES['kd'], ml=dict(type='mmkd_ext.MutualLearningLoss')))


def terms_of(name, arguments):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = with_means(MODELS.build(copy.deepcopy(dict(type=f'mmkd_ext.{name}', **arguments)))).train()
    assert model.kind is TwoStage
    inputs, samples = read(model, raw(torch.Generator().manual_seed(1)))
    torch.manual_seed(3)
    return model(inputs, samples, mode='loss')


@pytest.mark.parametrize(('general', 'named', 'arguments'), [
    ('OfflineDistiller', 'TwoStageDistiller', ALONE),
    ('MutualLearningDistiller', 'TwoStageMutualLearningDistiller', TOGETHER),
])  # fmt: skip
def test_both_names_give_the_same_terms_and_the_same_plain_config(general, named, arguments):
    got, expected = terms_of(general, arguments), terms_of(named, arguments)
    assert list(got) == list(expected) and {'loss_kd' if general == 'OfflineDistiller' else 'loss_kd_a'} < set(got)
    for key, value in expected.items():
        torch.testing.assert_close(got[key], value, rtol=0, atol=0)
    assert plain_model(dict(type=f'mmkd_ext.{general}', **arguments)) == plain_model(dict(type=f'mmkd_ext.{named}', **arguments))


def test_the_two_stage_names_are_names_only():
    for name in ('TwoStageDistiller', 'TwoStageMutualLearningDistiller'):
        cls = MODELS.get(f'mmkd_ext.{name}')
        assert {key for key in vars(cls) if not key.startswith('_')} <= {'kind', 'teachers'}
        assert sum(base.__name__ in ('OfflineDistiller', 'MutualLearningDistiller') for base in cls.__mro__) == 1
