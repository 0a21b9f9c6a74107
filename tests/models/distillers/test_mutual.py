"""MutualLearningDistiller: each network runs once and learns its own terms; the ensemble is what predicts."""

import copy
import math

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from support.mutual import KD, LARGE, ML, PREPROCESSOR, SMALL, TIMM, VIT, config, distiller
from support.offline import batch, read
from witnesses.naive_mutual import ensemble, peer_term, teacher_term

from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import MODELS


def logits_of(model, inputs):
    """Of every network, in train mode, without touching the statistics of the model."""
    model = copy.deepcopy(model)
    return {name: network(model.view(name, inputs)).detach() for name, network in model.networks.items()}


@pytest.mark.parametrize('students', [dict(a=SMALL, b=SMALL), dict(a=SMALL, b=LARGE, c=SMALL)], ids=['two', 'three'])
def test_each_term_equals_its_formula(rng, students):
    model = distiller(students, losses=dict(kd=dict(KD, loss_weight=2.5), ml=dict(ML, loss_weight=0.5))).double()
    inputs, samples = read(model, batch(rng))
    inputs = inputs.double()
    said = {name: x.tolist() for name, x in logits_of(model, inputs).items()}
    terms = model(inputs, samples, mode='loss')
    names = list(students)
    for i, k in enumerate(names):
        taught = teacher_term(said[k], said['teacher'], 3.0)
        assert terms[f'loss_kd_{k}'].item() == pytest.approx(2.5 * taught, rel=1e-9)
        assert terms[f'kd_{k}_unweighted'].item() == pytest.approx(taught, rel=1e-9)
        assert terms[f'loss_ml_{k}'].item() == pytest.approx(0.5 * peer_term([said[n] for n in names], i, 2.0), rel=1e-9)
    for name, logits in said.items():
        wanted = sum(math.log(sum(map(math.exp, z))) - z[int(s.gt_label)] for z, s in zip(logits, samples, strict=True))
        assert terms[f'loss_{name}'].item() == pytest.approx(wanted / len(samples), rel=1e-9)
    losses = {f'loss_{name}' for name in said} | {f'loss_{kind}_{k}' for kind in ('kd', 'ml') for k in names}
    assert {key for key in terms if 'loss' in key} == losses


def test_with_one_peer_no_teacher_and_tau_1_it_is_deep_mutual_learning(rng):
    model = distiller(teacher=None, losses=dict(ml=dict(type='mmkd_ext.MutualLearningLoss'))).double()
    inputs, samples = read(model, batch(rng))
    said = {name: x.tolist() for name, x in logits_of(model, inputs.double()).items()}
    terms = model(inputs.double(), samples, mode='loss')
    assert terms['loss_ml_a'].item() == pytest.approx(teacher_term(said['a'], said['b'], 1.0), rel=1e-9)
    assert terms['loss_ml_b'].item() == pytest.approx(teacher_term(said['b'], said['a'], 1.0), rel=1e-9)
    assert {key for key in terms if 'loss' in key} == {'loss_a', 'loss_b', 'loss_ml_a', 'loss_ml_b'}


def test_what_a_student_learns_from_its_teacher_and_peers_reaches_nobody_else(rng):
    model = distiller(dict(a=SMALL, b=LARGE))
    inputs, samples = read(model, batch(rng))
    terms = model(inputs, samples, mode='loss')
    (terms['loss_kd_a'] + terms['loss_ml_a']).backward()
    touched = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched and all(name.startswith('networks.a.') for name in touched)


@pytest.mark.parametrize('students', [dict(a=SMALL, b=LARGE), dict(a=SMALL, b=TIMM)], ids=['zoo', 'timm'])
def test_without_weights_each_network_trains_exactly_as_alone(rng, students):
    model = distiller(students, losses=dict(kd=dict(KD, loss_weight=0.0), ml=dict(ML, loss_weight=0.0)))
    alone = {name: copy.deepcopy(network) for name, network in model.networks.items()}
    cfg = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-3))
    optimizers = {name: build_optim_wrapper(network, cfg) for name, network in alone.items()}
    optimizer = build_optim_wrapper(model, cfg)
    for _ in range(3):
        data = batch(rng)
        model.train_step(copy.deepcopy(data), optimizer)
        for name, network in alone.items():
            network.train_step(copy.deepcopy(data), optimizers[name])
    for name, network in alone.items():
        for (key, mine), theirs in zip(model.networks[name].named_parameters(), network.parameters(), strict=True):
            assert torch.equal(mine, theirs), (name, key)
        for mine, theirs in zip(model.networks[name].buffers(), network.buffers(), strict=True):
            assert torch.equal(mine, theirs)


def test_each_network_runs_once_in_a_step(rng):
    model = distiller(dict(a=SMALL, b=TIMM, c=VIT))
    calls = []
    for name, network in model.networks.items():
        inner = network.backbone if hasattr(network, 'backbone') else network.model
        inner.register_forward_hook(lambda *_, name=name: calls.append(name))
    logs = model(*read(model, batch(rng)), mode='loss')
    sum(value for key, value in logs.items() if 'loss' in key).backward()
    assert sorted(calls) == ['a', 'b', 'c', 'teacher']
    assert all(math.isfinite(float(x.detach())) for x in logs.values())
    assert {'a_top1', 'b_top1', 'c_top1', 'teacher_top1', 'ensemble_top1'} <= set(logs)
    assert all(p.grad is not None for p in model.parameters())  # DDP waits for each


def test_the_prediction_is_the_mean_of_the_students_probabilities(rng):
    model = distiller(dict(a=SMALL, b=TIMM)).eval()
    inputs, samples = read(model, batch(rng))
    with torch.no_grad():
        said = model(inputs, copy.deepcopy(samples), mode='predict')
        wanted = torch.tensor(ensemble([model.networks[name](inputs).tolist() for name in 'ab']))
        logits = model(inputs)
    torch.testing.assert_close(torch.stack([x.pred_score for x in said]), wanted)
    torch.testing.assert_close(logits.softmax(dim=1), wanted)
    assert [int(x.pred_label) for x in said] == wanted.argmax(dim=1).tolist()
    assert [int(x.gt_label) for x in said] == [int(x.gt_label) for x in samples]
    assert set(said[0].networks) == {'a', 'b', 'teacher'}
    torch.testing.assert_close(said[0].networks['b'].pred_score, model.networks['b'](inputs).softmax(dim=1)[0].detach())
    assert len(model(inputs, mode='predict')) == len(inputs)


@pytest.mark.parametrize('by', ['a', 'teacher'])
def test_one_network_predicts_alone(rng, by):
    model = distiller(predict_by=by).eval()
    inputs, samples = read(model, batch(rng))
    with torch.no_grad():
        said, wanted = model(inputs, samples, mode='predict'), model.networks[by](inputs)
    torch.testing.assert_close(torch.stack([x.pred_score for x in said]), wanted.softmax(dim=1))
    assert torch.equal(model(inputs), wanted)
    plain = plain_model(config(predict_by=by))
    assert list(plain.networks) == [by]
    assert plain.predict_by == by


@pytest.mark.parametrize('frozen', [False, True])
def test_a_checkpoint_holds_each_network_under_its_own_keys(rng, frozen):
    teacher = dict(LARGE, checkpoint=None, allow_random=True) if frozen else LARGE
    model = distiller(dict(a=SMALL, b=TIMM), teacher, freeze_teacher=frozen).eval()
    state = get_state_dict(model)
    for name, network in model.networks.items():
        own = {key.removeprefix(f'networks.{name}.') for key in state if key.startswith(f'networks.{name}.')}
        assert own == set(network.state_dict())
    assert any('teacher' in key for key in state) != frozen
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        plain = MODELS.build(plain_model(config(dict(a=SMALL, b=TIMM), teacher))).eval()
    deployed = {key: x for key, x in state.items() if key.startswith(('networks.a.', 'networks.b.'))}
    _load_checkpoint_to_model(plain, dict(state_dict=deployed), strict=True)
    again = distiller(dict(a=SMALL, b=TIMM), teacher, freeze_teacher=frozen).eval()
    _load_checkpoint_to_model(again, dict(state_dict=state), strict=True)
    inputs, _ = read(model, batch(rng))
    for other in (plain, again):
        assert torch.equal(other(inputs), model(inputs))
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for n in 'ab' for p in model.networks[n].parameters())


def test_a_frozen_teacher_is_nobodys_parameter_and_gives_class_means(rng):
    teacher = dict(LARGE, checkpoint=None, allow_random=True)
    model = distiller(teacher=teacher, freeze_teacher=True, losses=dict(kd=KD, ml=ML, nd=dict(type='mmkd_ext.NDLoss', dropout=0.0)))
    for name in ('nd_a', 'nd_b'):
        assert model.teacher_name_of(name) == 'teacher'
        model.distill[name].set_class_means(torch.rand(5, 64, generator=rng) + 0.1)
    frozen = copy.deepcopy(model.teachers['teacher'].network.state_dict())
    optimizer = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    logs = model.train_step(batch(rng), optimizer)
    assert {'loss_nd_a', 'loss_nd_b', 'teacher_top1'} <= set(logs)
    assert all(torch.equal(x, frozen[key]) for key, x in model.teachers['teacher'].network.state_dict().items())
    assert not any('teacher' in name for name, _ in model.named_parameters())
    assert ExponentialMovingAverage(model).module.teachers['teacher'] is model.teachers['teacher']


def test_the_students_of_the_follow_up_exchange_predictions_and_maps(rng):
    stages = dict(options=dict(backbone=dict(out_indices=(1, 2, 3))))
    students = dict(a=dict(SMALL, **stages), b=dict(SMALL, **stages))
    maps = dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False)
    model = distiller(students, dict(LARGE, **stages), dict(
        predictions=dict(KD, students='a'), maps=dict(maps, students='b'), ml=ML,
        maps_a=dict(maps, students='a', teacher='b'), maps_b=dict(maps, students='b', teacher='a')))
    inputs, samples = read(model, batch(rng))
    terms = model(inputs, samples, mode='loss')
    terms['loss_maps_a_a'].backward()
    touched = {name.split('.')[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'a', 'maps_a_a'}
    assert {'loss_predictions_a', 'loss_maps_b', 'loss_maps_b_b'} <= set(terms)
    assert 'loss_predictions_b' not in terms
    assert 'maps_a_a' in model.adapter_table
    assert plain_model(config(students)).networks.a.backbone.out_indices == (3,)


def test_a_factor_is_for_an_entry_and_all_its_students(rng):
    model = distiller()
    inputs, samples = read(model, batch(rng))
    before = model(inputs, samples, mode='loss')
    model.set_loss_factor('kd', 0.25)
    after = model(inputs, samples, mode='loss')
    for k in 'ab':
        torch.testing.assert_close(after[f'loss_kd_{k}'], 0.25 * before[f'loss_kd_{k}'])
        torch.testing.assert_close(after[f'loss_ml_{k}'], before[f'loss_ml_{k}'])
    with pytest.raises(ValueError, match="got 'nd'; it has kd, ml"):
        model.set_loss_factor('nd', 1.0)


def test_learning_rates_of_one_network_by_the_hosts_own_means():
    model = distiller()
    cfg = dict(optimizer=dict(type='SGD', lr=0.1), paramwise_cfg=dict(custom_keys={'networks.teacher.': dict(lr_mult=0.5)}))
    optimizer = build_optim_wrapper(model, cfg)
    rates = {id(p): group['lr'] for group in optimizer.param_groups for p in group['params']}
    for name, p in model.named_parameters():
        assert rates[id(p)] == (0.05 if name.startswith('networks.teacher.') else 0.1)


def test_a_network_that_names_its_preprocessor_sees_what_that_would_make(rng):
    own = dict(mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0], to_rgb=False)
    model = distiller(dict(a=SMALL, b=dict(SMALL, options=dict(data_preprocessor=own))))
    images = torch.randint(256, (2, 3, 16, 16), generator=rng).float()
    wanted = (images - torch.tensor(own['mean'])[:, None, None]) / torch.tensor(own['std'])[:, None, None]
    torch.testing.assert_close(model.view('b', (images - 100) / 50), wanted)
    assert torch.equal(model.view('a', images), images)


def test_weights_of_timm_see_the_images_of_their_training():
    spec = dict(model='timm/vit_tiny_patch16_224', num_classes=5, pretrained=True)
    assert network_config(spec).data_preprocessor == dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True)
    assert 'data_preprocessor' not in network_config(dict(spec, pretrained=False))


def test_a_network_that_starts_from_a_file_keeps_its_weights_through_the_hosts_initialisation(tmp_path):
    trained = distiller().networks['a']
    torch.save(dict(state_dict={**trained.state_dict(), 'distill.kd.x': torch.zeros(1)}), tmp_path / 'a.pth')
    model = distiller(dict(a=dict(SMALL, checkpoint=str(tmp_path / 'a.pth')), b=SMALL))
    model.init_weights()
    assert all(torch.equal(x, trained.state_dict()[key]) for key, x in model.networks['a'].state_dict().items())
    assert not torch.equal(model.networks['a'].head.fc.weight, model.networks['b'].head.fc.weight)
    with pytest.raises(ValueError, match='not_there.pth'):
        distiller(dict(a=dict(SMALL, checkpoint=str(tmp_path / 'not_there.pth')), b=SMALL))
    with pytest.raises(ValueError, match='needs to fit the network cifar/resnet14 wholly'):
        distiller(dict(a=dict(LARGE, checkpoint=str(tmp_path / 'a.pth')), b=SMALL))


def test_half_precision_steps_stay_finite(rng):
    model = distiller(dict(a=SMALL, b=VIT))
    inputs, samples = read(model, batch(rng))
    with torch.autocast('cpu', torch.bfloat16):
        terms = model(inputs, samples, mode='loss')
    assert all(terms[key].dtype == torch.float32 for key in ('loss_kd_a', 'loss_ml_b'))
    assert all(math.isfinite(float(x.detach())) for x in terms.values())


def test_a_network_called_lossy_minimises_what_others_do(rng):
    counted = dict(SMALL, options=dict(head=dict(cal_acc=True)))
    model = distiller(dict(lossy=counted, b=counted))
    terms = model(*read(model, batch(rng)), mode='loss')
    minimised = {'loss_lossy', 'loss_b', 'loss_teacher', 'loss_kd_lossy', 'loss_kd_b', 'loss_ml_lossy', 'loss_ml_b'}
    assert {key for key in terms if 'loss' in key} == minimised
    assert 'termy_accuracy_top-1' in terms


def test_a_loss_that_is_none_is_left_out():
    assert list(distiller(teacher=None, losses=dict(kd=None, ml=ML)).distill) == ['ml']


@pytest.mark.parametrize('change', [dict(teacher=None), dict(freeze_teacher=True)], ids=['none', 'frozen'])
def test_only_a_teacher_that_trained_along_is_tested_alone(change):
    with pytest.raises(ValueError, match="predict_by='teacher' needs a teacher that trained along"):
        plain_model(config(predict_by='teacher', **change))


def test_the_number_of_classes_reaches_mixed_labels_and_smoothing():
    smooth = dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=1000)
    zoo = network_config('mmpretrain::resnet/resnet18_8xb32_in1k.py')
    assert zoo.data_preprocessor.num_classes == zoo.head.num_classes == 1000
    zoo.head.loss = smooth
    own = network_config(dict(model=zoo, num_classes=5))
    assert own.data_preprocessor.num_classes == own.head.loss.num_classes == own.head.num_classes == 5


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(students=dict(a=SMALL)), 'needs two or more students.*got a'),
        (dict(students=dict(a=SMALL, teacher=SMALL)), "none called 'teacher'"),
        (dict(students={'a b': SMALL, 'c': SMALL}), 'names are Python identifiers'),
        (dict(teacher=None), 'losses.kd follows the teacher, and there is none'),
        (dict(losses=dict(kd=dict(KD, students='z'))), 'students of a, b.*got students=.z'),
        (dict(losses=dict(kd=dict(KD, teacher='z'))), "got students=None and teacher='z'"),
        (dict(losses=dict(ml=dict(ML, students=['a']))), 'compares two or more students, got a'),
        (dict(losses=dict(nd=dict(type='mmkd_ext.NDLoss'))), 'only a teacher that stays as it is has'),
        (dict(students=dict(a=SMALL, b=dict(model='cifar/resnet8', num_classes=4))), "of the same classes.*'b': 4"),
        (dict(losses=dict(kd=dict(KD, students='a', teacher='a'))), "losses.kd needs students other than 'a'"),
        (dict(losses=dict(ml=dict(ML, students=['a', 'a']))), 'students of a, b, each once'),
        (dict(students=dict(a=SMALL, b_c=SMALL, c=SMALL), losses=dict(kd=KD, kd_b=dict(KD, students='c'))), 'both make a term kd_b_c'),
        (dict(students=[SMALL, SMALL]), 'needs students=dict'),
        (dict(students=dict(a=SMALL, b=3)), 'needs students=dict'),
        (dict(losses=[ML]), 'needs losses=dict'),
        (dict(teacher=3), 'A network needs a name, a model config, .* got 3'),
        (dict(students=dict(a='torchvision/resnet18', b=SMALL)), "of the same classes.*'a': 1000, 'b': 5"),
        (dict(students=dict(half=SMALL, full=SMALL)), 'and the methods of a module'),
        (dict(predict_by='z'), 'predict_by needs one of ensemble, a, b, teacher, got .z'),
        (dict(freeze_teacher=True, teacher=None), 'freeze_teacher=True needs a teacher'),
        (dict(students=dict(a='mmpretrain::no/such.py', b=SMALL)), 'A network that a zoo knows or a config file is needed'),
        (dict(students=dict(a=dict(model='cifar/resnet8', classes=4), b=SMALL)),
         'classes is for a frozen teacher, got it for cifar/resnet8'),
    ])
def test_what_cannot_work_is_said_when_it_is_built(change, words):
    with pytest.raises(ValueError, match=words):
        distiller(**change)


@pytest.mark.parametrize('mixed', [False, True], ids=['labels', 'mixed'])
def test_a_sample_of_a_class_without_a_mean_is_refused_before_the_batch_moves(rng, mixed):
    augments = dict(batch_augments=dict(augments=dict(type='Mixup', alpha=0.8))) if mixed else {}
    teacher, losses = dict(LARGE, checkpoint=None, allow_random=True), dict(nd=dict(type='mmkd_ext.NDLoss'))
    model = distiller(teacher=teacher, freeze_teacher=True, losses=losses, data_preprocessor=dict(PREPROCESSOR, **augments))
    means = torch.rand(5, 64, generator=rng) + 0.1
    means[4] = torch.nan
    model.distill.nd_b.set_class_means(means, ['cat', 'dog', 'hen', 'owl', 'emu'])
    model.data_preprocessor(batch(rng, 4), True)
    model.data_preprocessor(batch(rng, 5), False)
    with pytest.raises(ValueError, match=r'got a sample of 4 \(emu\) in the training data'):
        model.data_preprocessor(batch(rng, 5), True)
