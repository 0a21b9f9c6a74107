"""ClassMeansHook: whose means each loss gets, from which file; what a teacher's pass computes is tested in class_means."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import BaseLoop
from torch import nn

from mmkd_ext.class_means.compute import ClassMeans
from mmkd_ext.hooks import class_means_hook
from mmkd_ext.hooks.class_means_hook import ClassMeansHook

MEANS = {name: torch.full((3, 2), value, dtype=torch.float64) for name, value in (('big', 1.0), ('small', 2.0))}


class Loss:
    def __init__(self, needs=True):
        self.needs_class_means, self.given = needs, []

    def set_class_means(self, means, names):
        self.given.append((means, names))


class Model(nn.Linear):
    """A distiller of losses `<name>_of_<teacher>`."""

    def __init__(self, losses, teachers=('big',)):
        super().__init__(1, 1)
        self.distill, self.teachers = losses, dict.fromkeys(teachers, 'a teacher')

    def teacher_name_of(self, loss):
        return loss.rpartition('_')[2]


class Loop(BaseLoop):
    def run(self):
        """Nothing."""


def runner_of(model, resume=False, trains=True):
    return SimpleNamespace(
        model=model, work_dir='runs/a', seed=5, _resume=resume, _train_loop=object.__new__(Loop) if trains else dict(),
        cfg=Config(dict(train_dataloader=dict(batch_size=2))), train_dataloader=SimpleNamespace(dataset='the data'))


@pytest.fixture
def passes(monkeypatch):
    """The passes that teachers would make: (teacher's number, data, file, cache, seed, limit)."""
    made = []

    def means_of_teacher(model, teacher, loader, dataset, path, folder, seed, limit):
        name = list(model.teachers)[len(made)]
        made.append((dataset, path, folder, seed, limit))
        return ClassMeans(MEANS[name], torch.ones(3), ['a', 'b', 'c'], Path('x'))

    monkeypatch.setattr(class_means_hook, 'means_of_teacher', means_of_teacher)
    return made


def test_losses_of_one_teacher_share_its_pass_and_get_float32(passes):
    losses = dict(nd_of_big=Loss(), kd_of_big=Loss(needs=False), nd2_of_big=Loss())
    ClassMeansHook().before_run(runner_of(Model(losses)))
    assert passes == [('the data', None, Path('runs/class_means'), 5, None)]
    for name in ('nd_of_big', 'nd2_of_big'):
        ((means, names),) = losses[name].given
        assert means.dtype == torch.float32 and means.tolist() == MEANS['big'].tolist() and names == ['a', 'b', 'c']
    assert losses['kd_of_big'].given == []


def test_each_of_several_teachers_has_a_pass_and_a_file_of_its_own(passes):
    losses = dict(nd_of_big=Loss(), nd_of_small=Loss())
    ClassMeansHook(file='means.pth', max_images=7).before_run(runner_of(Model(losses, ('big', 'small'))))
    assert [path for _, path, *_ in passes] == [Path('runs/a/means_big.pth'), Path('runs/a/means_small.pth')]
    assert [limit for *_, limit in passes] == [7, 7]
    assert losses['nd_of_small'].given[0][0].tolist() == MEANS['small'].tolist()
    passes.clear()
    ClassMeansHook(file='means.pth').before_run(runner_of(Model(dict(nd_of_big=Loss()))))
    assert passes[0][1] == Path('runs/a/means.pth')


def test_clean_means_are_of_the_validation_pipeline(passes, monkeypatch):
    monkeypatch.setattr(class_means_hook, 'clean_data', lambda cfg: ('a loader', 'clean data'))
    ClassMeansHook(clean=True).before_run(runner_of(Model(dict(nd_of_big=Loss()))))
    assert passes[0][0] == 'clean data'


@pytest.mark.parametrize('resume', [False, True])
def test_a_run_that_only_starts_from_a_checkpoint_gets_them_again(passes, resume):
    loss = Loss()
    hook, runner = ClassMeansHook(), runner_of(Model(dict(nd_of_big=loss)), resume)
    hook.before_run(runner)
    hook.before_train(runner)
    assert len(loss.given) == (1 if resume else 2) and torch.equal(loss.given[0][0], loss.given[-1][0]) and len(passes) == 1


def test_a_test_alone_needs_none(passes):
    ClassMeansHook().before_run(runner_of(Model({}), trains=False))
    assert passes == []


@pytest.mark.parametrize(('losses', 'said'), [({}, 'none'), (dict(kd_of_big=Loss(needs=False)), 'kd_of_big')])
def test_a_model_without_such_a_loss_is_refused(passes, losses, said):
    with pytest.raises(ValueError, match=f'a loss that follows class means .*got Model with losses {said}'):
        ClassMeansHook().before_run(runner_of(Model(losses)))


@pytest.mark.parametrize('options', [dict(max_images=0), dict(max_images=1.5), dict(file=5)])
def test_an_option_that_is_none_is_refused(options):
    with pytest.raises(ValueError, match=f'ClassMeansHook needs {next(iter(options))} to be '):
        ClassMeansHook(**options)
