"""Every hook of mmengine, mmpretrain and mmdet does to a student with a peer what it does to the student alone, or is refused."""

import copy

import pytest
from mmengine.registry import HOOKS, DefaultScope
from support.hooked_peers import begin_alike, mutual, of
from support.hooked_runs import CHANGE, LOOK, STUDENT, run, same, start, without

from mmkd_ext.preflight.hook_needs import missing_part
from mmkd_ext.registry import MODELS

# asks for the one head or loss of a model, of which there are two
REFUSED = {'SwitchRecipe loss', 'SwitchRecipe loss of timm', 'SetAdaptiveMargins', 'WarmupParam', 'WarmupParam of timm'}
OF_ONE = {
    'WarmupParam': (dict(
        type='WarmupParamHook', param_name='loss_weight', module_name='networks.a.head.loss_module', warmup_epochs=2), STUDENT)}


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
