"""Runs of milliseconds: a convolution, a BatchNorm and a linear layer learn eight images, an epoch or a few iterations at a time."""

import itertools

import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.resumed_state import check_resume
from mmkd_ext.hooks import PlainCheckpointHook, ResumedValidationHook, ValidationRecordHook

_RUNS = itertools.count()


class Net(BaseModel):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, bias=False)
        self.bn = torch.nn.BatchNorm2d(4)
        self.head = torch.nn.Linear(4, 2)

    def forward(self, inputs, labels, mode='loss'):
        logits = self.head(self.bn(self.conv(inputs)).relu().mean((2, 3)))
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction='none')
        return dict(loss=losses.mean()) if mode == 'loss' else list(losses)


class Loss(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.extend(float(each) for each in data_samples)

    def compute_metrics(self, results):
        return dict(error=sum(results) / len(results))


class Two:
    """What mmengine's documentation calls a MultiOptimWrapperConstructor."""

    def __init__(self, optim_wrapper_cfg, paramwise_cfg=None):
        self.lr = optim_wrapper_cfg.get('lr', 0.01)

    def __call__(self, model):
        parts = dict(body=[*model.parameters()][:-2], head=[*model.parameters()][-2:])
        return OptimWrapperDict(**{name: OptimWrapper(torch.optim.Adam(each, lr=self.lr)) for name, each in parts.items()})


def images():
    rng = torch.Generator().manual_seed(0)
    return [(torch.randn(1, 5, 5, generator=rng), i % 2) for i in range(8)]


def loader(batch_size):
    def collate(batch):
        return dict(inputs=torch.stack([image for image, _ in batch]), labels=torch.tensor([label for _, label in batch]))

    return dict(
        dataset=images(), batch_size=batch_size, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), collate_fn=collate)


def tiny_run(
        folder, epochs, optim_wrapper=None, hooks=(), scheduler=None, resume=None, by_epoch=True, network=Net, save_best=None,
        validate=True):
    """The trained runner; two iterations an epoch, a checkpoint and a validation after each. `resume`: as tools/train.py does it."""
    torch.manual_seed(0)
    runner = Runner(
        network(), str(folder), load_from=resume and str(resume), resume=resume is not None,
        train_cfg=dict(by_epoch=True, max_epochs=epochs) if by_epoch else dict(by_epoch=False, max_iters=epochs, val_interval=1),
        train_dataloader=loader(4), **(dict(val_dataloader=loader(8), val_cfg=dict(), val_evaluator=[Loss()]) if validate else {}),
        optim_wrapper=optim_wrapper or dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)), param_scheduler=scheduler,
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=by_epoch, save_best=save_best, rule='less')),
        custom_hooks=[*hooks, PlainCheckpointHook(), ValidationRecordHook(), ResumedValidationHook()],
        default_scope='mmengine', experiment_name=f'tiny_{next(_RUNS)}', randomness=dict(seed=0))  # fmt: skip
    if resume is not None:
        check_resume(runner, read_checkpoint(resume), str(resume))
    runner.train()
    return runner


def same(one, other):
    """Whether two states hold the same numbers, to the last bit."""
    if torch.is_tensor(one):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))
