"""What mmengine puts into a checkpoint can be read as data, and a run resumed from it goes on exactly."""

import io
import itertools

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from support.schedulers import ARGUMENTS

from mmkd_ext.checkpoints.checkpoint_files import checkpoint_in, read_checkpoint
from mmkd_ext.hooks import PlainCheckpointHook

KINDS = {name: next((key for key in ARGUMENTS if name.startswith(key)), None) for name in PARAM_SCHEDULERS.module_dict}


class Net(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, inputs, mode='loss'):
        return dict(loss=(self.layer(inputs.float()) - 1).square().mean())


RUNS = itertools.count()


def run(folder, iterations, hooks, scheduler, optim_wrapper='OptimWrapper', optimizer='SGD', resume=None, **more):
    torch.manual_seed(0)
    data = [torch.tensor([float(i), 1.0]) for i in range(8)]
    runner = Runner(
        Net(), str(folder), train_cfg=dict(by_epoch=False, max_iters=iterations), load_from=resume, resume=resume is not None,
        train_dataloader=dict(dataset=data, batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                              collate_fn=lambda batch: dict(inputs=torch.stack(batch))),
        optim_wrapper=dict(type=optim_wrapper, optimizer=dict(type=optimizer, lr=0.01, **more)), param_scheduler=scheduler,
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)), custom_hooks=hooks,
        default_scope='mmengine', experiment_name=f'plain_checkpoint_{next(RUNS)}')  # fmt: skip
    runner.train()
    return runner.model.state_dict()


def test_every_scheduler_has_arguments_here():
    assert [name for name, kind in KINDS.items() if kind is None] == []


@pytest.mark.parametrize('hooks', [[PlainCheckpointHook()], []], ids=['as written now', 'as written before'])
@pytest.mark.parametrize('name', [name for name in KINDS if name.endswith('LR') and 'Plateau' not in name])
def test_a_run_with_any_scheduler_is_resumed_exactly(tmp_path, name, hooks):
    scheduler = dict(type=name, by_epoch=False, **ARGUMENTS[KINDS[name]])
    whole = run(tmp_path / 'a', 4, hooks, scheduler)
    resumed = run(tmp_path / 'b', 4, hooks, scheduler, resume=str(tmp_path / 'a/iter_2.pth'))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    states = read_checkpoint(tmp_path / 'a/iter_4.pth', needs=('state_dict', 'meta', 'message_hub'))['param_schedulers']
    assert not hooks or not any(callable(value) for state in states for value in state.values())


@pytest.mark.parametrize('name', list(KINDS))
def test_the_state_of_any_scheduler_is_read(name):
    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1, momentum=0.9)
    extra = dict(param_name='lr') if name.endswith('ParamScheduler') else {}
    state = PARAM_SCHEDULERS.build(dict(type=name, optimizer=optimizer, **ARGUMENTS[KINDS[name]], **extra)).state_dict()
    buffer = io.BytesIO()
    torch.save(dict(param_schedulers=[state]), buffer)
    buffer.seek(0)
    assert checkpoint_in(buffer, 'a.pth')['param_schedulers'] == [state]


@pytest.mark.parametrize('optimizer', ['Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Rprop', 'NAdam', 'RAdam', 'Adamax', 'ASGD'])
def test_a_run_with_any_optimizer_and_an_average_is_resumed_exactly(tmp_path, optimizer):
    hooks = [dict(type='EMAHook'), PlainCheckpointHook()]
    whole = run(tmp_path / 'a', 4, hooks, None, optimizer=optimizer)
    resumed = run(tmp_path / 'b', 4, hooks, None, optimizer=optimizer, resume=str(tmp_path / 'a/iter_2.pth'))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert 'ema_state_dict' in read_checkpoint(tmp_path / 'a/iter_4.pth')
