"""Numbers of a config with which a training would go the wrong way are refused before it, with their place."""

import pytest

from mmkd_ext.preflight.number_ranges import check_numbers

GOOD = dict(
    model=dict(head=dict(loss=dict(loss_weight=0.0)), losses=dict(kd=dict(loss_weight=1)), heads=[dict(loss_weight=2.0)]),
    data_preprocessor=dict(mean=[-1.0, 0.0], std=[1e-9, 2]), optim_wrapper=dict(clip_grad=dict(max_norm=0.1, norm_type=2)),
    custom_hooks=[dict(std=0.0), dict(loss_weight='auto')], other=dict(mean=float('nan'), max_norm=0))


def changed(path, value):
    """`GOOD` with another value at a dotted path."""
    key, _, rest = path.partition('.')

    def put(part, keys):
        if not keys:
            return value
        if isinstance(part, list):
            return [put(each, keys[1:]) if i == int(keys[0]) else each for i, each in enumerate(part)]
        return {**part, keys[0]: put(part.get(keys[0], {}), keys[1:])}

    return put(GOOD, [key, *rest.split('.')])


def test_what_trains_is_taken():
    check_numbers(GOOD)
    check_numbers(changed('model.head.loss.loss_weight', None))
    check_numbers(changed('optim_wrapper.clip_grad', None))


@pytest.mark.parametrize(('path', 'value', 'said'), [
    ('model.head.loss.loss_weight', -0.1, 'a weight of 0 or more, got loss_weight=-0.1'),
    ('optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult', -1.0, 'multipliers of 0 or more, got lr_mult=-1.0'),
    ('optim_wrapper.paramwise_cfg.norm_decay_mult', float('inf'), 'multipliers of 0 or more, got norm_decay_mult=inf'),
    ('model.losses.kd.loss_weight', float('inf'), 'a weight of 0 or more, got loss_weight=inf'),
    ('model.heads.0.loss_weight', float('nan'), 'a weight of 0 or more, got loss_weight=nan'),
    ('data_preprocessor.std', [1.0, 0.0], r'standard deviations above 0, got std=\[1.0, 0.0\]'),
    ('data_preprocessor.std', -1, 'standard deviations above 0, got std=-1'),
    ('data_preprocessor.mean', (0.0, float('nan')), r'finite means, got mean=\(0.0, nan\)'),
    ('optim_wrapper.clip_grad.max_norm', 0, 'a bound above 0, got max_norm=0'),
    ('optim_wrapper.clip_grad.clip_value', -1.0, 'a bound above 0, got clip_value=-1.0'),
])  # fmt: skip
def test_what_does_not_is_named_with_its_place(path, value, said):
    with pytest.raises(ValueError, match=f'A training needs {said}. Look at {path}'):
        check_numbers(changed(path, value))


def test_a_preprocessor_inside_the_model_is_looked_at_too():
    cfg = dict(model=dict(student=dict(data_preprocessor=dict(std=[0.0]))))
    with pytest.raises(ValueError, match=r'Look at model\.student\.data_preprocessor\.std'):
        check_numbers(cfg)
