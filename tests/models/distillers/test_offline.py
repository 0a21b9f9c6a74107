"""OfflineDistiller: the student's own keys, one forward pass each, a teacher that is not there for anybody else."""

import copy
import warnings

import mmpretrain
import pytest
import torch
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from support.offline import HEAD, LOSSES, MIXUP, STUDENT, TEACHER, TIMM, batch, distiller, read, step

from mmkd_ext.losses import kd_loss, nd_loss
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS


def test_names_with_the_hosts_letters_add_nothing_to_the_total(rng):
    losses = dict(kd_loss=LOSSES['kd'], loss_nd=LOSSES['nd'])
    terms = step(distiller(teacher=dict(lossless=TEACHER), losses=losses), batch(rng))
    own = terms['loss_student'] + terms['loss_kd_loss'] + terms['loss_loss_nd']
    torch.testing.assert_close(terms['loss'], own)
    assert 'kd_term_unweighted' in terms and 'termless_norm' in terms


def test_a_grey_student_whose_config_does_not_tell_is_looked_at_in_grey(rng):
    lenet = dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=5), head=dict(type='ClsHead'))
    teacher = dict(model=lenet, checkpoint=None, allow_random=True)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=lenet, teacher=teacher, losses=dict(kd=LOSSES['kd']), input_size=32,
            data_preprocessor=dict(mean=[33.0], std=[78.0])))
    assert model.input_shape == (1, 32, 32)


def test_a_models_config_as_teacher_is_asked_for_its_checkpoint():
    with pytest.raises(ValueError, match='ImageClassifier needs a checkpoint'):
        distiller(teacher=TEACHER['model'])


def test_terms_are_the_formulas_and_diagnostics_are_not_losses(rng):
    model = distiller().train()
    inputs, samples = read(model, batch(rng))
    with torch.no_grad():
        teacher = model.teachers['teacher'](inputs)
    reference = copy.deepcopy(model)
    embedding = reference.student.neck(reference.student.backbone(inputs))[-1]
    logits = reference.student.head.fc(embedding)
    target = torch.cat([sample.gt_label for sample in samples])

    terms = model(inputs, samples, mode='loss')

    projected = reference.distill.nd.projection(embedding).detach()
    torch.testing.assert_close(terms['loss_student'], torch.nn.functional.cross_entropy(logits, target))
    torch.testing.assert_close(terms['loss_kd'], 2.5 * kd_loss(logits, teacher.logits, 4.0))
    torch.testing.assert_close(
        terms['loss_nd'], nd_loss(projected, teacher.embedding, target, model.distill.nd.class_means))
    assert {k for k in terms if 'loss' in k} == {'loss_student', 'loss_kd', 'loss_nd'}
    assert {k for k in terms if 'loss' not in k} == {
        'student_norm', 'student_top1', 'teacher_norm', 'teacher_top1', 'kd_unweighted', 'nd_unweighted', 'nd_student_norm',
        'nd_student_cosine', 'nd_teacher_cosine'}
    torch.testing.assert_close(terms['kd_unweighted'], kd_loss(logits, teacher.logits, 4.0))
    means = model.distill.nd.class_means
    for name, embedding in (('student', projected), ('teacher', teacher.embedding)):
        cosines = [float(e @ means[k] / e.norm() / means[k].norm()) for e, k in zip(embedding, target, strict=True)]
        assert float(terms[f'nd_{name}_cosine']) == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)
    assert float(terms['nd_student_norm']) == pytest.approx(sum(float(e.norm()) for e in projected) / len(projected), rel=1e-5)
    total = model.parse_losses(terms)[0]
    torch.testing.assert_close(total, terms['loss_student'] + terms['loss_kd'] + terms['loss_nd'])


def test_each_network_runs_forward_once(rng):
    model = distiller().train()
    seen = []
    model.student.backbone.conv1.register_forward_hook(lambda *_: seen.append('student'))
    model.teachers['teacher'].network.backbone.conv1.register_forward_hook(lambda *_: seen.append('teacher'))
    model(*read(model, batch(rng)), mode='loss')
    assert sorted(seen) == ['student', 'teacher']


def test_the_teacher_is_in_nothing(rng):
    model = distiller().train()
    teacher = model.teachers['teacher']
    before = copy.deepcopy(teacher.network.state_dict())
    ids = {id(parameter) for parameter in teacher.network.parameters()}
    assert not ids & {id(parameter) for parameter in model.parameters()}
    assert not ids & {id(p) for g in build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=1))).param_groups for p in g['params']}
    assert not any('teacher' in key for key in get_state_dict(model))
    model.init_weights()
    step(model.train(), batch(rng))
    assert not teacher.network.training
    torch.testing.assert_close(teacher.network.state_dict(), before, rtol=0, atol=0)
    assert copy.deepcopy(model).teachers['teacher'] is teacher


def test_ema_averages_the_student_alone(rng):
    model = distiller().train()
    average = ExponentialMovingAverage(model, momentum=0.5)
    assert average.module.teachers['teacher'] is model.teachers['teacher']
    before = copy.deepcopy(model.student.state_dict())
    step(model, batch(rng))
    average.update_parameters(model)  # the first is a copy
    step(model, batch(rng))
    middle = copy.deepcopy(model.student.head.fc.weight)
    average.update_parameters(model)
    assert not torch.equal(average.module.student.head.fc.weight, before['head.fc.weight'])
    assert not torch.equal(average.module.student.head.fc.weight, middle)


@pytest.mark.parametrize('student', [STUDENT, TIMM], ids=['ImageClassifier', 'TimmClassifier'])
def test_a_training_checkpoint_is_the_plain_zoo_model_s(tmp_path, rng, student):
    model = distiller(student).train()
    step(model, batch(rng))
    torch.save(dict(state_dict=get_state_dict(model), meta={}), tmp_path / 'epoch_1.pth')  # as the runner does

    cfg = Config(dict(model=plain_model(dict(type='mmkd_ext.OfflineDistiller', student=student)), default_scope='mmpretrain'))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        plain = mmpretrain.get_model(cfg, pretrained=str(tmp_path / 'epoch_1.pth')).eval()
    images = torch.randn(3, 3, 32, 32, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(plain(images), model.eval()(images), rtol=0, atol=0)
    state = get_state_dict(model)
    mine = {k: tuple(v.shape) for k, v in state.items() if not k.startswith('distill.')}
    assert mine == {k: tuple(v.shape) for k, v in plain.state_dict().items()}
    assert {k.split('.')[1] for k in state if k.startswith('distill.')} == {'nd'}


@pytest.mark.parametrize('student', [STUDENT, TIMM], ids=['ImageClassifier', 'TimmClassifier'])
@pytest.mark.parametrize('loader', ['mmengine', 'torch'])
def test_a_checkpoint_goes_back_in_wholly(rng, student, loader):
    model = distiller(student).train()
    step(model, batch(rng))
    state = copy.deepcopy(get_state_dict(model))
    other = distiller(student, means=False)  # whose class means come with the checkpoint
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    if loader == 'torch':
        other.load_state_dict(model.state_dict())
    else:
        _load_checkpoint_to_model(other, dict(state_dict=state), strict=True)
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)
    data = batch(rng)
    assert step(other.train(), data) == step(model.train(), data)


def test_a_plain_checkpoint_starts_the_student():
    model = distiller()
    plain = {k: v + 1 for k, v in model.student.state_dict().items()}
    missing = model.load_state_dict(plain, strict=False)
    assert not missing.unexpected_keys
    assert all(key.startswith('distill.') for key in missing.missing_keys)
    torch.testing.assert_close(model.student.head.fc.bias, plain['head.fc.bias'])


def test_predict_and_tensor_are_the_student_s(rng):
    model = distiller().eval()
    inputs, samples = read(model, batch(rng))
    with torch.no_grad():
        torch.testing.assert_close(model(inputs), model.student(inputs))
        got, expected = model(inputs, samples, mode='predict'), model.student.predict(inputs)
    assert [x.pred_label.item() for x in got] == [x.pred_label.item() for x in expected]


def test_mixup_mixes_the_target_of_every_loss(rng):
    model = distiller(dict(STUDENT, train_cfg=MIXUP)).train()
    inputs, samples = read(model, batch(rng))
    reference = copy.deepcopy(model)
    with torch.no_grad():
        embedding = reference.student.neck(reference.student.backbone(inputs))[-1]
        projected, scores = reference.distill.nd.projection(embedding), torch.stack([s.gt_score for s in samples])
        expected = nd_loss(projected, model.teachers['teacher'](inputs).embedding, scores, model.distill.nd.class_means)
    assert ((scores > 0).sum(dim=1) == 2).any()
    terms = model(inputs, samples, mode='loss')
    torch.testing.assert_close(terms['loss_nd'].detach(), expected)
    assert 'teacher_top1' not in terms
    dkd = distiller(dict(STUDENT, train_cfg=MIXUP), losses=dict(dkd=dict(type='mmkd_ext.DKDLoss'))).train()
    with pytest.raises(ValueError, match='dkd_loss needs integer labels'):
        dkd(*read(dkd, batch(rng)), mode='loss')


def test_a_factor_multiplies_and_does_not_accumulate(rng):
    model = distiller().train()
    data = batch(rng)
    inputs, samples = read(model, data)
    full = copy.deepcopy(model)(inputs, samples, mode='loss')
    for factor in (0.0, 0.25, 0.25):
        model.set_loss_factor('kd', factor)
        terms = copy.deepcopy(model)(inputs, samples, mode='loss')
        torch.testing.assert_close(terms['loss_kd'], factor * full['loss_kd'])
        torch.testing.assert_close(terms['loss_nd'], full['loss_nd'])
    with pytest.raises(ValueError, match="got 'dk'; it has kd, nd"):
        model.set_loss_factor('dk', 1.0)


def test_several_teachers_each_followed_by_its_own_losses(rng):
    other = dict(model='timm/test_resnet', num_classes=5, checkpoint=None, allow_random=True)
    losses = dict(
        a=dict(type='mmkd_ext.KDLoss', teacher='big'), b=dict(type='mmkd_ext.KDLoss', teacher='other'),
        both=dict(type='mmkd_ext.DISTLoss', teacher='big'))
    model = distiller(teacher=dict(big=TEACHER, other=other), losses=losses, channel_order='rgb').train()
    inputs, samples = read(model, batch(rng))
    student = copy.deepcopy(model).student(inputs)
    terms = model(inputs, samples, mode='loss')
    for name, teacher in (('a', 'big'), ('b', 'other')):
        torch.testing.assert_close(terms[f'loss_{name}'], kd_loss(student, model.teachers[teacher](inputs).logits, 1.0))
    assert {'big_top1', 'other_top1', 'student_top1'} < set(terms)


def test_review_sizes_its_fusion_and_its_stages_are_not_deployed(rng):
    def stages(cfg, **more):
        return dict(cfg, backbone=dict(cfg['backbone'], out_indices=(1, 2, 3, 4), **more))

    losses = dict(kd=dict(type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2), teacher_stages=(0, 1, 2)))
    teacher = dict(TEACHER, options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True)))
    model = distiller(stages(STUDENT), teacher, losses).train()
    rows = [line.split() for line in model.adapter_table.splitlines()]
    assert rows[2] == ['kd', 'stage', '0', '16x16x16', '32x16x16', 'ReviewKDNeck']
    before = copy.deepcopy(model.distill.state_dict())
    step(model, batch(rng))
    assert any(not torch.equal(value, before[key]) for key, value in model.distill.state_dict().items())
    assert plain_model(dict(type='mmkd_ext.OfflineDistiller', student=stages(STUDENT))).backbone.out_indices == (4,)


def test_looking_at_the_networks_changes_nothing():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        plain = MODELS.build(STUDENT)
    model = distiller()
    torch.testing.assert_close(model.student.state_dict(), plain.state_dict(), rtol=0, atol=0)
    assert all(module.training for module in model.modules())


def test_teachers_of_other_classes_and_bad_names_are_refused():
    wrong = dict(TEACHER, num_classes=7)
    with pytest.raises(ValueError, match='has 5 classes and the teacher ImageClassifier has 7, but losses.kd'):
        distiller(teacher=wrong)
    distiller(teacher=wrong, losses=dict(nd=LOSSES['nd']), means=False)  # features alone can be followed
    with pytest.raises(ValueError, match="losses.kd with teacher='x'"):
        distiller(losses=dict(kd=dict(type='mmkd_ext.KDLoss', teacher='x')))
    with pytest.raises(ValueError, match='losses.kd with teacher=None'):
        distiller(teacher=dict(a=TEACHER, b=TEACHER))
    with pytest.raises(ValueError, match='losses.student'):
        distiller(losses=dict(student=dict(type='mmkd_ext.KDLoss')))


def test_nd_without_class_means_names_the_hook(rng):
    model = distiller(means=False).train()
    with pytest.raises(RuntimeError, match='ClassMeansHook'):
        model(*read(model, batch(rng)), mode='loss')


@pytest.mark.parametrize('precision', [None, 'fp32', 'bf16'])
def test_under_autocast_the_distillation_stays_float32_and_close_to_full_precision(rng, precision):
    model, data = distiller(teacher={**TEACHER, 'precision': precision}).train(), batch(rng)
    expected = distiller().train()(*read(model, data), mode='loss')
    with torch.autocast('cpu', torch.bfloat16):
        terms = model(*read(model, data), mode='loss')
    model.parse_losses(terms)[0].backward()
    for name in ('loss_kd', 'loss_nd'):
        assert terms[name].dtype == torch.float32
        torch.testing.assert_close(terms[name], expected[name], rtol=0.05, atol=0.01)
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.dtype == torch.float32 and g.isfinite().all() for g in gradients)
    assert max(float(g.abs().max()) for g in gradients) > 0


def test_an_entry_none_is_left_out(rng):
    terms = step(distiller(losses=dict(LOSSES, nd=None)), batch(rng))
    assert 'loss_kd' in terms and 'loss_nd' not in terms


@pytest.mark.parametrize('kwargs', [
    dict(losses='kd'), dict(losses=dict(kd='mmkd_ext.KDLoss')), dict(losses=5), dict(teacher=5), dict(teacher=None),
    dict(losses={5: dict(type='mmkd_ext.KDLoss')}), dict(teacher={5: TEACHER}),
    dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', teacher=['a']))),
    dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau='hot')))], ids=str)
def test_options_of_another_type_are_refused_in_one_sentence(kwargs):
    with pytest.raises(ValueError, match='needs .*[,;] got '):
        distiller(**kwargs)


def test_a_teacher_of_other_classes_is_not_watched_for_chance(rng):
    wide = dict(TEACHER, model=dict(TEACHER['model'], head=dict(HEAD, in_channels=128, num_classes=7)))
    model = distiller(teacher=wide, losses=dict(nd=LOSSES['nd']))
    step(model, batch(rng))
    assert model._chance['teacher']._seen == 0


@pytest.mark.parametrize('rows', [4, 7])
def test_class_means_of_another_number_of_classes_are_refused(rng, rows):
    model = distiller(means=False).train()
    model.distill['nd'].set_class_means(torch.rand(rows, 128, generator=rng) + 0.1)
    with pytest.raises(ValueError, match=f'losses.nd needs class means of 5 rows, .* got {rows}'):
        model(*read(model, batch(rng)), mode='loss')
