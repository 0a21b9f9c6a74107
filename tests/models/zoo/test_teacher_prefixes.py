"""Teachers' files as others write them: compiled, in DataParallel, of Lightning, with `net` around the weights."""

import pytest
import timm
import torch

from mmkd_ext.models.zoo.frozen_network import build_network

NAME = 'test_resnet.r160_in1k'


@pytest.mark.parametrize('write', [
    lambda w: {'net': w, 'acc': 91.2, 'epoch': 3},
    lambda w: {'net': {f'module.{k}': v for k, v in w.items()}},
    lambda w: {'state_dict': {f'model.{k}': v for k, v in w.items()}, 'pytorch-lightning_version': '2.4', 'hyper_parameters': {'lr': 0.1}},
    lambda w: {'state_dict': {f'model._orig_mod.{k}': v for k, v in w.items()}},
    lambda w: {f'_orig_mod.module.{k}': v for k, v in w.items()},
    lambda w: {k.replace('conv1', 'conv1._orig_mod'): v for k, v in w.items()},
])  # fmt: skip
def test_what_a_framework_put_around_the_weights_is_taken_off(tmp_path, write):
    torch.manual_seed(1)
    weights = timm.create_model(NAME).state_dict()
    torch.save(write(weights), tmp_path / 'a.pth')
    found = build_network(dict(model=f'timm/{NAME}', checkpoint=str(tmp_path / 'a.pth'))).module.state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())


def test_a_prefix_of_the_config_is_taken_off_and_other_keys_are_left_out(tmp_path):
    torch.manual_seed(1)
    weights = timm.create_model(NAME).state_dict()
    nested = {f'student.encoder.{k}': v for k, v in weights.items()}
    torch.save({'state_dict': {**nested, 'criterion.w': torch.ones(1)}}, tmp_path / 'a.pth')
    spec = dict(model=f'timm/{NAME}', checkpoint=str(tmp_path / 'a.pth'))
    found = build_network(dict(spec, prefix='student.encoder')).module.state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())
    with pytest.raises(ValueError, match=r'begin with encoder\. are needed, got .*a\.pth, whose first key is student'):
        build_network(dict(spec, prefix='encoder'))


def test_a_folder_as_a_teachers_checkpoint_is_said(tmp_path):
    with pytest.raises(ValueError, match='which is a folder'):
        build_network(dict(model=f'timm/{NAME}', checkpoint=str(tmp_path)))
