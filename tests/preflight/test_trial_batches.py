"""What only a batch shows is said before the first iteration: last batches, evaluators, processes without data."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmpretrain.models import ImageClassifier
from support.runs import one_error, write_config
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from mmkd_ext.commands import train
from mmkd_ext.preflight import trial_batches
from mmkd_ext.registry import MODELS


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


REFUSED = {
    'a last batch of one under a BatchNorm': (
        'train_dataloader = dict(batch_size=53)',  # 160 images of 8 pixels, whose last stage has one
        ['drop_last=True', '160 images in batches of 53', 'model.backbone.layer4'],
    ),
    'batches of one under a BatchNorm': (
        'train_dataloader = dict(batch_size=1)', ['Batches of 2', 'batch_size=1', 'model.backbone.layer4']),
    "another task's evaluator": ("val_evaluator = dict(_delete_=True, type='VQAAcc')", ['VQAAcc', 'Look at val_evaluator']),
    'images that the model cannot predict': (
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomFlip', prob=0.5)]))", ['val', 'pipeline']),
    'a top-k of the head': (
        'model = dict(head=dict(cal_acc=True, topk=(1, 11)))', ['Top-11', 'model.head.topk', '1 to 10']),
    'a top-k of the evaluator': ("val_evaluator = dict(type='Accuracy', topk=(1, 11))", ['Top-11', 'val_evaluator', '1 to 10']),
    'a training whose only batch is dropped': (
        'train_dataloader = dict(batch_size=500, drop_last=True)', ['train', 'drop_last', '160 samples']),
}  # fmt: skip


@pytest.mark.parametrize(('extra', 'words'), REFUSED.values(), ids=REFUSED)
def test_what_a_batch_shows_is_said_before_the_run(tmp_path, capsys, extra, words):
    assert train.main([str(write_config(tmp_path, extra)), '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert [word for word in words if word not in text] == [], text
    assert not list(Path().rglob('*.pth')) and not list(Path('work').rglob('scalars.json'))


def test_a_last_batch_of_one_that_is_dropped_or_that_the_model_takes_trains(tmp_path):
    for extra in ('drop_last=True', "num_workers=0)\nmodel = dict(backbone=dict(norm_cfg=dict(type='GN', num_groups=2))"):
        config = write_config(tmp_path, f'train_dataloader = dict(batch_size=53, {extra})\ntrain_cfg = dict(max_epochs=1)')
        assert train.main([str(config), '--work-dir', f'work{config.stem}']) == 0


def test_a_network_that_asks_how_far_the_run_is_trains(tmp_path):
    seen = []

    class Asking(ImageClassifier):
        """As mmdet's BoxInst, and the resizing of YOLOX's batches."""

        def loss(self, inputs, samples):
            hub = MessageHub.get_current_instance()
            seen.append((hub.get_info('epoch') + 0, hub.get_info('iter') + 0))
            return super().loss(inputs, samples)

    MODELS.register_module(name='Asking', module=Asking, force=True)
    try:
        config = write_config(tmp_path, "model = dict(type='mmkd_ext.Asking')\ntrain_cfg = dict(max_epochs=2)")
        assert train.main([str(config), '--work-dir', 'work']) == 0
    finally:
        MODELS._module_dict.pop('Asking')
    steps = (len(seen) - 1) // 2
    assert seen == [(0, 0), *((i // steps, i) for i in range(2 * steps))] and steps > 1


@pytest.mark.parametrize(
    ('samples', 'size', 'drop', 'last'), [(65, 16, False, 1), (65, 16, True, 16), (64, 16, False, 16), (3, 16, False, 3)])
def test_last_batch(samples, size, drop, last):
    loader = SimpleNamespace(batch_sampler=BatchSampler(SequentialSampler(range(samples)), size, drop))
    assert trial_batches.last_batch(loader) == last
    assert last == len(list(loader.batch_sampler)[-1])


def test_a_process_without_a_batch_is_said_on_all_of_them(monkeypatch):
    loader = DataLoader(range(2), batch_size=4)
    monkeypatch.setattr(trial_batches, 'all_gather_object', lambda own: [own, own])
    trial_batches.check_shares(loader, 'val')
    monkeypatch.setattr(trial_batches, 'all_gather_object', lambda own: [own, own, 0])
    with pytest.raises(ValueError, match=r'each of 3 processes, got \[1, 1, 0\] of 2 samples.*val_dataloader.*round_up'):
        trial_batches.check_shares(loader, 'val')


def test_what_lies_in_memory_until_weights_are_initialised_is_no_fault_of_a_batch():
    network = torch.nn.Linear(3, 2)
    with torch.no_grad():
        network.weight[0, 0], network.weight[0, 1], network.bias[1] = torch.nan, 1e30, -torch.inf  # as of torch.Tensor(2, 3)
    kept = network.weight[1].clone()
    copied = trial_batches._copied(SimpleNamespace(model=network))
    assert copied.weight[0, :2].tolist() == [0, 0] and copied.bias[1] == 0 and torch.equal(copied.weight[1], kept)
    assert network.weight[0, 0].isnan() and network.bias[1] == -torch.inf


@pytest.mark.parametrize(('size', 'images'), [(1, 1), (2, 2), (8, 2)])
def test_no_more_images_are_predicted_than_a_batch_has_since_they_may_be_of_other_sizes(monkeypatch, size, images):
    asked = []

    def batch(runner, loader, name, most):
        asked.append(most)
        raise ValueError('enough')

    monkeypatch.setattr(trial_batches, '_batch', batch)
    data = torch.utils.data.TensorDataset(torch.zeros(8))
    loop = SimpleNamespace(dataloader=DataLoader(data, batch_size=size), evaluator=SimpleNamespace(metrics=[]))
    with pytest.raises(ValueError, match='enough'):
        trial_batches.check_evaluated_batch(None, loop, 'val')
    assert asked == [images]
