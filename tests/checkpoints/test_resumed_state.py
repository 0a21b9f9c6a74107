"""Which checkpoints a run may go on from, by the state of their optimizer and schedulers."""

import pytest
import torch
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from support.tiny_runs import same, tiny_run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint

ONE_CYCLE = dict(type='OneCycleLR', eta_max=0.1, total_steps=4)
COSINE = dict(type='CosineAnnealingLR', T_max=4)


def wrapper(kind):
    return dict(optimizer=dict(type=kind, lr=0.01))


@pytest.mark.parametrize('how', ['annealing_cos', 'annealing_linear'])
def test_a_file_that_holds_the_schedules_function_is_gone_on_from(tmp_path, how):
    """As mmengine alone writes it; without the function it is in the walks."""
    scheduler = dict(ONE_CYCLE, anneal_strategy=how.removeprefix('annealing_'))
    whole = tiny_run(tmp_path / 'whole', 4, scheduler=scheduler)
    checkpoint = read_checkpoint(tmp_path / 'whole/epoch_2.pth')
    checkpoint['param_schedulers'][0]['anneal_func'] = getattr(OneCycleParamScheduler, f'_{how}')
    torch.save(checkpoint, tmp_path / 'old.pth')
    resumed = tiny_run(tmp_path / 'resumed', 4, scheduler=scheduler, resume=tmp_path / 'old.pth')
    assert same(whole.model.state_dict(), resumed.model.state_dict())


OTHERS = [('SGD', 'Adam'), ('Adam', 'SGD'), ('mmpretrain.Lamb', 'Adam'), ('AdamW', 'mmpretrain.Lamb'), ('mmpretrain.Adan', 'Adam')]


@pytest.mark.parametrize(('was', 'now'), OTHERS)
def test_another_optimizers_state_is_refused(tmp_path, was, now):
    tiny_run(tmp_path / 'whole', 2, optim_wrapper=wrapper(was))
    with pytest.raises(ValueError, match=f'A checkpoint of {now.rpartition(".")[2]} .*to resume.*look at optim_wrapper.optimizer'):
        tiny_run(tmp_path / 'resumed', 4, optim_wrapper=wrapper(now), resume=tmp_path / 'whole/epoch_1.pth')


@pytest.mark.parametrize(('was', 'now'), [(ONE_CYCLE, COSINE), (COSINE, ONE_CYCLE), (COSINE, dict(COSINE, type='CosineAnnealingMomentum'))])
def test_another_schedulers_state_is_refused(tmp_path, was, now):
    tiny_run(tmp_path / 'whole', 2, scheduler=was)
    with pytest.raises(ValueError, match=f'A checkpoint of the schedulers {now["type"]} is needed to resume.*look at param_scheduler'):
        tiny_run(tmp_path / 'resumed', 4, scheduler=now, resume=tmp_path / 'whole/epoch_1.pth')


@pytest.mark.parametrize('kind', ['Adam', 'mmpretrain.Lamb', 'RMSprop'])
def test_what_schedulers_add_to_an_optimizer_is_its_own(tmp_path, kind):
    """A momentum's schedule gives Adam a `momentum`, a one-cycle schedule gives groups a `max_lr`."""
    optim_wrapper = dict(optimizer=dict(type=kind, lr=0.01, **(dict(momentum=0.5) if kind == 'RMSprop' else {})))
    options = dict(optim_wrapper=optim_wrapper, scheduler=[ONE_CYCLE, dict(COSINE, type='CosineAnnealingMomentum')])
    whole = tiny_run(tmp_path / 'whole', 3, **options)
    resumed = tiny_run(tmp_path / 'resumed', 3, resume=tmp_path / 'whole/epoch_2.pth', **options)
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert same(whole.optim_wrapper.state_dict(), resumed.optim_wrapper.state_dict())
    with pytest.raises(ValueError, match='look at param_scheduler'):
        tiny_run(tmp_path / 'refused', 3, optim_wrapper=optim_wrapper, scheduler=ONE_CYCLE, resume=tmp_path / 'whole/epoch_2.pth')
