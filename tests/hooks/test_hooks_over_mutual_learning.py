"""Every hook of mmengine, mmpretrain and mmdet does to a student with a peer what it does to the student alone, or is refused."""

import copy

import pytest
import torch
from mmengine.registry import HOOKS, DefaultScope

from mmkd_ext.preflight.hook_needs import missing_part
from mmkd_ext.registry import MODELS

from .test_hooks_in_runs import CHANGE, LOOK, STUDENT, run, same, start, without

# asks for the one head or loss of a model, of which there are two
REFUSED = {'SwitchRecipe loss', 'SwitchRecipe loss of timm', 'SetAdaptiveMargins', 'WarmupParam', 'WarmupParam of timm'}
OF_ONE = {
    'WarmupParam': (dict(
        type='WarmupParamHook', param_name='loss_weight', module_name='networks.a.head.loss_module', warmup_epochs=2), STUDENT)}
PEERS = dict(type='mmkd_ext.MutualLearningLoss', loss_weight=0.0)


def mutual(student, kind='mmkd_ext.MutualLearningDistiller', size=16):
    model = dict(type=kind, students=dict(a=student, b=student), losses=dict(peers=PEERS), input_size=size)
    own = student.get('data_preprocessor')  # the model's is the config's, which goes before a student's, or this
    return dict(model, data_preprocessor=own) if own else model


def begin_alike(folder):
    """Both networks begin with the weights of the student alone."""
    alone = torch.load(folder / 'start.pth', weights_only=True)['state_dict']
    (folder / 'mutual').mkdir(exist_ok=True)
    torch.save(
        dict(state_dict={f'networks.{name}.{key}': x for name in 'ab' for key, x in alone.items()}), folder / 'mutual' / 'start.pth')
    return folder / 'mutual'


def of(name, state):
    """A network's part of a checkpoint's entry, an average's too."""
    return {key.replace(f'networks.{name}.', ''): x for key, x in state.items() if f'networks.{name}.' in key or key == 'steps'}


@pytest.mark.parametrize('name', [*(each for each in (*CHANGE, *LOOK) if each not in REFUSED), *OF_ONE])
def test_a_hook_does_to_each_student_what_it_does_to_the_student_alone(name):
    hook, student = {**CHANGE, **LOOK, **OF_ONE}[name]
    folder = start(str(student))
    own = {**hook, 'module_name': 'head.loss_module'} if name in OF_ONE else hook
    alone, epochs, metrics = run(copy.deepcopy(student), own, folder / f'alone_{name}')
    together, taught_epochs, taught_metrics = run(mutual(student), hook, begin_alike(folder) / name)
    for key, state in alone.items():
        assert same(of('a', together[key]), state), key
        assert same(of('b', together[key]), state if name not in OF_ONE else without(str(student))[0][key]), key
    assert together.keys() == alone.keys() and epochs == taught_epochs and len(metrics) == len(taught_metrics) == epochs
    if name not in OF_ONE:  # the ensemble of two equal networks
        assert metrics == [{key: x for key, x in each.items() if key in metrics[0]} for each in taught_metrics]
    plain = without(str(student))
    assert (same(plain[0]['state_dict'], alone['state_dict']) and plain[1] == epochs) == (name in LOOK)


@pytest.mark.parametrize('name', sorted(REFUSED))
def test_a_hook_of_the_one_head_is_refused_before_the_run(name):
    hook, student = CHANGE[name]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model, built = MODELS.build(copy.deepcopy(mutual(student))), HOOKS.build(copy.deepcopy(hook))
        alone = MODELS.build(copy.deepcopy(student))
    assert 'got MutualLearningDistiller, which is several networks. Leave it out' in missing_part(built, model)
    assert missing_part(built, alone) is None
