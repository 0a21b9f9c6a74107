"""Gradient accumulation gives the step of one large batch, sums over the batch included."""

import copy
import logging

import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from support.runs import TESKD, write_config
from torch.utils.data import DataLoader

from mmkd_ext.commands import train
from mmkd_ext.hooks import SummedTermsHook
from mmkd_ext.models.heads import TESKDHead
from mmkd_ext.registry import MODELS

NORM = dict(type='GN', num_groups=2)  # within each sample, so that the batch is the sum of its samples
LR = 0.1


def model(**head):
    torch.manual_seed(0)
    backbone = dict(
        type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3), norm_cfg=NORM)
    neck = dict(type='mmkd_ext.TESKDNeck', in_channels=(4, 8, 16, 32), norm_cfg=NORM)
    head = dict(dict(type='mmkd_ext.TESKDHead', num_classes=5, in_channels=32, feature_weight=1e-2), **head)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        built = MODELS.build(dict(
            type='ImageClassifier', backbone=backbone, neck=neck, head=head,
            data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)))
    built.init_weights()  # the runner would, with other random numbers
    return built.double()


def data(samples):
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(256, (samples, 3, 8, 8), generator=rng, dtype=torch.uint8)
    return [dict(inputs=x, data_samples=DataSample().set_gt_label(i % 5)) for i, x in enumerate(images)]


def in_double(trained):
    """Images too."""
    trained.data_preprocessor.register_forward_hook(lambda _, __, out: {**out, 'inputs': out['inputs'].double()})
    return trained


def run_of(trained, samples, folder, counts, epochs=1, hooks=(SummedTermsHook,), batch=2, **wrapper):
    """A real run; what is left of it is in the model."""
    loader = DataLoader(data(samples), batch_size=batch, collate_fn=default_collate)
    Runner(
        in_double(trained), str(folder), train_dataloader=loader, train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=LR), accumulative_counts=counts, **wrapper),
        custom_hooks=[kind() for kind in hooks], default_scope='mmpretrain', experiment_name=folder.name,
    ).train()
    return {name: value.detach() for name, value in trained.named_parameters()}


def by_hand(trained, samples, sizes):
    """Plain gradient descent over joint batches of these sizes, with the loss terms summed."""
    trained, rows, start = in_double(trained), data(samples), 0
    for size in sizes:
        batch = trained.data_preprocessor(default_collate(rows[start:start + size]), True)
        total = sum(value for name, value in trained(**batch, mode='loss').items() if 'loss' in name)
        for parameter, grad in zip(trained.parameters(), torch.autograd.grad(total, list(trained.parameters())), strict=True):
            parameter.data -= LR * grad
        start += size
    return {name: value.detach() for name, value in trained.named_parameters()}


@pytest.mark.parametrize('samples', [8, 12, 14], ids=['one window', 'a window and half of one', 'three batches are left'])
def test_steps_are_those_of_the_joint_batches(tmp_path, samples):
    sizes = [8, samples - 8] if samples > 8 else [8]
    actual, expected = run_of(model(), samples, tmp_path, 4), by_hand(model(), samples, sizes)
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)
    alone = by_hand(model(feature_weight=0.0), samples, sizes)
    students = [name for name in expected if name.startswith('neck.branches')]
    assert max((expected[name] - alone[name]).abs().max() for name in students) > 1e-4  # large enough to show


def test_the_feature_term_alone_is_exact_for_a_smaller_last_batch(tmp_path):
    only = dict(ce_weight=0.0, kl_weight=0.0)
    actual = run_of(model(**only), 7, tmp_path, 4)
    expected = by_hand(model(**only), 7, [7])
    learned = [name for name in expected if name.startswith(('neck', 'backbone'))]
    for name in learned:
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-9, atol=1e-12)


def test_without_accumulation_the_run_is_the_same_to_the_last_bit(tmp_path):
    with_hook, without = (
        run_of(model(), 6, tmp_path / str(len(hooks)), 1, epochs=2, hooks=hooks) for hooks in ((SummedTermsHook,), ()))
    torch.testing.assert_close(with_hook, without, rtol=0, atol=0)


def test_the_loss_of_a_run_that_ended_is_that_of_one_batch(tmp_path):
    trained = model()
    seen = []
    step = trained.head.loss
    trained.head.loss = lambda *args, **kwargs: (seen.append(trained.head.accumulated_batches), step(*args, **kwargs))[1]
    run_of(trained, 12, tmp_path, 4, epochs=1)
    assert seen == [4, 4, 4, 4, 2, 2] and trained.head.accumulated_batches == 1


def test_copies_and_checkpoints_know_nothing_of_it():
    head = TESKDHead(5, 32)
    head.accumulated_batches = 3
    assert not [key for key in head.state_dict() if 'accumulated' in key]
    assert TESKDHead(5, 32).accumulated_batches == 1 and copy.deepcopy(head).accumulated_batches == 3


def test_a_model_without_sums_is_left_alone():
    hook = SummedTermsHook()
    runner = type('Runner', (), dict(model=torch.nn.Linear(1, 1), optim_wrapper=OptimWrapper))
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    hook.after_train(runner)


@pytest.mark.parametrize('extra', [
    pytest.param('', id='our config'),
    pytest.param("default_hooks = dict(_delete_=True, logger=dict(type='LoggerHook'))", id='a config without it'),
])
def test_the_command_line_gives_every_run_the_hook(tmp_path, monkeypatch, extra):
    monkeypatch.chdir(tmp_path)
    seen = []
    loss = TESKDHead.loss
    monkeypatch.setattr(TESKDHead, 'loss', lambda self, *args: (seen.append(self.accumulated_batches), loss(self, *args))[1])
    config = write_config(tmp_path, f'{TESKD}\noptim_wrapper = dict(accumulative_counts=2)\n{extra}')
    assert train.main([str(config), '--work-dir', 'work', '--no-validate']) == 0
    assert seen[-5:] == [2, 2, 2, 2, 1]  # before them a look at one batch
    logging.shutdown()
