"""Every optimizer that a config can name, of torch, mmengine, mmpretrain and timm: resumed exactly from what it writes."""

import pytest
import timm.optim
import torch
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIMIZERS
from support.registries import registered
from support.tiny_runs import Net, same, tiny_run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.hooks import EpochSeedHook

# What is not here is walked with a learning rate alone, a newcomer too.
ARGUMENTS = {
    'SGD': dict(lr=0.01, momentum=0.9, nesterov=True),
    'Adam': dict(lr=0.01, amsgrad=True),
    'RMSprop': dict(lr=0.01, momentum=0.9, centered=True),
}
REASONS = {
    'LBFGS': 'refused: it needs a closure (preflight/test_usable_optimizer)',
    'SparseAdam': 'refused: it needs sparse gradients (preflight/test_usable_optimizer)',
    'Optimizer': 'the base class, refused (preflight/test_usable_optimizer)',
    'ZeroRedundancyOptimizer': 'needs processes: its state below',
}
TIMM_REASONS = {
    'adahessian': 'refused: it needs second derivatives (preflight/test_usable_optimizer)',
    'bnb': 'bitsandbytes, of a GPU; torch tensors by its own code',
    'fused': 'apex, of a GPU',
}
NAMES = [name for name in registered(OPTIMIZERS, others=True) if name not in REASONS]
TIMM = [name for name in timm.optim.list_optimizers() if not name.startswith(tuple(TIMM_REASONS))]


class Flat(Net):
    """All weights are matrices, which torch's Muon takes alone."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Linear(25, 4, bias=False), torch.nn.Identity()
        self.head = torch.nn.Linear(4, 2, bias=False)

    def forward(self, inputs, labels, mode='loss'):
        losses = torch.nn.functional.cross_entropy(self.head(self.conv(inputs.flatten(1))), labels, reduction='none')
        return dict(loss=losses.mean()) if mode == 'loss' else list(losses)


def assert_resumed_exactly(folder, optimizer, **options):
    options.setdefault('optim_wrapper', dict(optimizer=optimizer))
    whole = tiny_run(folder / 'whole', 3, hooks=[EpochSeedHook()], **options)  # Kron draws random numbers
    resumed = tiny_run(folder / 'resumed', 3, hooks=[EpochSeedHook()], resume=folder / 'whole/epoch_2.pth', **options)
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert same(whole.optim_wrapper.state_dict(), resumed.optim_wrapper.state_dict())
    assert same(read_checkpoint(folder / 'whole/epoch_3.pth')['optimizer'], whole.optim_wrapper.state_dict())
    return whole


@pytest.mark.parametrize('name', NAMES)
def test_any_registered_optimizer_is_resumed_exactly(tmp_path, name):
    network = Flat if name == 'Muon' else Net
    assert_resumed_exactly(tmp_path, dict(type=name, **ARGUMENTS.get(name, dict(lr=0.01))), network=network)


@pytest.mark.filterwarnings('ignore:It is highly recommended to have .opt_einsum.:UserWarning')  # Kron's, of its speed
@pytest.mark.parametrize('name', TIMM)
def test_any_optimizer_of_timm_is_resumed_exactly(tmp_path, monkeypatch, name):
    monkeypatch.setattr('timm.optim.kron.has_dynamo', False)  # half a minute to compile what takes a millisecond
    info = timm.optim.get_optimizer_info(name)
    momentum = dict(momentum=0.9) if info.has_momentum else {}
    assert_resumed_exactly(tmp_path, dict(type=info.opt_class, **{'lr': 0.01, **momentum, **(info.defaults or {})}))


CONSTRUCTORS = {
    'DefaultOptimWrapperConstructor': dict(paramwise_cfg=dict(
        norm_decay_mult=0.0, bias_decay_mult=0.0, bias_lr_mult=2.0, custom_keys={'head': dict(lr_mult=10.0, decay_mult=0.5)})),
    'mmpretrain.LearningRateDecayOptimWrapperConstructor': dict(paramwise_cfg=dict(
        layer_decay_rate=0.5, norm_decay_mult=0.0, flat_decay_mult=0.1)),
    'mmdet.LearningRateDecayOptimizerConstructor': dict(paramwise_cfg=dict(decay_rate=0.5, decay_type='layer_wise', num_layers=6)),
}  # fmt: skip


class ConvNeXt(torch.nn.Module):
    """Named as mmdet's constructor wants it, with layers that it knows."""

    def __init__(self):
        super().__init__()
        self.downsample_layers = torch.nn.ModuleList([torch.nn.Conv2d(1, 4, 3)])
        self.stages = torch.nn.ModuleList([torch.nn.ModuleList([torch.nn.BatchNorm2d(4)])])

    def forward(self, x):
        return self.stages[0][0](self.downsample_layers[0](x))


class Layered(Net):
    """Of layers with a depth, which the constructors ask for."""

    def __init__(self):
        super().__init__()
        self.backbone, self.conv, self.bn = ConvNeXt(), torch.nn.Identity(), torch.nn.Identity()

    def forward(self, inputs, labels, mode='loss'):
        return super().forward(self.backbone(inputs), labels, mode)

    def get_layer_depth(self, name):
        return (0 if 'downsample' in name else 1 if 'stages' in name else 2), 3


def test_every_constructor_has_a_row():
    assert set(registered(OPTIM_WRAPPER_CONSTRUCTORS)) <= set(CONSTRUCTORS)


@pytest.mark.parametrize('name', [name for name in CONSTRUCTORS if name in registered(OPTIM_WRAPPER_CONSTRUCTORS)])
@pytest.mark.parametrize('scheduler', [dict(type='OneCycleLR', eta_max=0.1, total_steps=3), dict(type='CosineAnnealingLR', T_max=3)])
def test_groups_of_any_constructor_are_resumed_exactly(tmp_path, name, scheduler):
    optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.1), constructor=name, **CONSTRUCTORS[name])
    whole = assert_resumed_exactly(tmp_path, None, optim_wrapper=optim_wrapper, network=Layered, scheduler=scheduler)
    assert len({(group['lr'], group['weight_decay']) for group in whole.optim_wrapper.param_groups}) > 1


def steps(layer, optimizer, number):
    for _ in range(number):
        optimizer.zero_grad()
        (layer(torch.ones(1, 2)) - 1).square().sum().backward()
        optimizer.step()


def test_an_optimizer_that_is_shared_among_processes_is_resumed_exactly(tmp_path, rng):
    """`ZeroRedundancyOptimizer`, here of one process; mmengine gathers its state before it is written."""
    start = torch.randn(1, 2, generator=rng)
    plain, shared, resumed = (torch.nn.Linear(2, 1, bias=False) for _ in range(3))
    for layer in (plain, shared):
        layer.load_state_dict(dict(weight=start))
    steps(plain, torch.optim.Adam(plain.parameters(), lr=0.1), 5)
    cfg = dict(type='ZeroRedundancyOptimizer', optimizer_type='Adam', lr=0.1)
    torch.distributed.init_process_group('gloo', f'file://{tmp_path}/store', rank=0, world_size=1)
    try:
        optimizer = OPTIMIZERS.build(dict(cfg, params=shared.parameters()))
        steps(shared, optimizer, 3)
        optimizer.consolidate_state_dict()
        torch.save(dict(state_dict=shared.state_dict(), optimizer=optimizer.state_dict()), tmp_path / 'a.pth')
        saved = read_checkpoint(tmp_path / 'a.pth')
        resumed.load_state_dict(saved['state_dict'])
        optimizer = OPTIMIZERS.build(dict(cfg, params=resumed.parameters()))
        optimizer.load_state_dict(saved['optimizer'])
        steps(resumed, optimizer, 2)
    finally:
        torch.distributed.destroy_process_group()
    assert torch.equal(resumed.weight, plain.weight)
