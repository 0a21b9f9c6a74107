"""TwoStageDistiller: the teacher at the student's own RoIs, in the losses that classification uses."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from support.detection import (
    CLASSES,
    HEADS,
    LOSSES,
    build,
    distiller,
    host_watched,
    pair,
    raw,
    read,
    teacher_of,
    tiny,
    with_means,
)
from witnesses.naive_kd import naive_kd
from witnesses.naive_nd import naive_nd

from mmkd_ext.losses import hcl_loss

KINDS = pytest.mark.parametrize('kind', ['faster', 'mask', 'cascade'])


def embedding_and_logits(head, pooled):
    """A head of two FCs by hand."""
    x = pooled.flatten(1)
    for fc in head.shared_fcs:
        x = (x @ fc.weight.t() + fc.bias).clamp(min=0)
    return x, x @ head.fc_cls.weight.t() + head.fc_cls.bias


@KINDS
def test_terms_equal_a_teacher_pooled_by_hand_at_the_student_s_rois_and_losses_in_plain_python(kind, rng):
    model = pair(kind).train()
    inputs, samples = read(model, raw(rng, masks=kind == 'mask'))
    teacher = model.teachers['teacher'].network
    reference = copy.deepcopy(model).train()
    torch.manual_seed(3)
    terms = model(inputs, samples, mode='loss')

    torch.manual_seed(3)
    maps = []
    handle = reference.student.neck.register_forward_hook(lambda *args: maps.append(args[2]))
    with host_watched(reference.student) as calls:
        reference.student.loss(inputs, copy.deepcopy(samples))
    handle.remove()
    assert len(calls) == HEADS[kind]
    s_said, t_said, labels = [], [], []
    teacher_maps = teacher.neck(teacher.backbone(inputs))
    for i, (sampled, out) in enumerate(calls):
        parts = [(d.roi_head.bbox_roi_extractor, d.roi_head.bbox_head) for d in (reference.student, teacher)]
        if kind == 'cascade':
            parts = [(extractor[i], head[i]) for extractor, head in parts]
        rois = torch.cat([
            torch.cat([torch.full((len(x.priors), 1), float(n)), x.priors], dim=1) for n, x in enumerate(sampled)])
        s_said.append(embedding_and_logits(parts[0][1], out['bbox_feats']))
        t_said.append(embedding_and_logits(parts[1][1], parts[1][0](teacher_maps[:4], rois)))
        for x in sampled:  # positives first
            labels += [*x.pos_gt_labels.tolist(), *[CLASSES] * len(x.neg_priors)]
    (s_embedding, s_logits), (t_embedding, t_logits) = (map(torch.cat, zip(*said, strict=True)) for said in (s_said, t_said))
    assert CLASSES in labels and min(labels) < CLASSES and len(labels) == len(s_logits)
    rows = [h * (CLASSES + 1) + y for h, y in zip(
        [h for h, said in enumerate(s_said) for _ in said[0]], labels, strict=True)]

    projected = reference.distill.nd.projection(s_embedding)
    expected = 1.5 * naive_kd(s_logits.double(), t_logits.double(), 2.0).item()
    assert float(terms['loss_kd'].detach()) == pytest.approx(expected, abs=1e-6) and expected > 1e-3
    assert float(terms['loss_nd'].detach()) == pytest.approx(
        naive_nd(projected.double(), t_embedding.double(), torch.tensor(rows), reference.distill.nd.class_means).item(), abs=1e-6)
    fused = reference.distill.review.fusion(list(maps[0]), [m.shape[-2:] for m in teacher_maps])
    assert len(maps) == 1 and len(maps[0]) == 5
    torch.testing.assert_close(terms['loss_review'], 0.5 * hcl_loss(fused, teacher_maps), atol=1e-6, rtol=0)
    top1 = 100 * sum(int(a == y) for a, y in zip(s_logits.argmax(1).tolist(), labels, strict=True)) / len(labels)
    assert float(terms['student_top1']) == pytest.approx(top1, abs=1e-4)


@KINDS
@pytest.mark.parametrize('losses', ['none', 'weights of 0'])
def test_without_distillation_the_losses_are_the_stock_detector_s_to_the_last_bit(kind, losses, rng):
    student = tiny(kind, embedding=32)
    none = dict(kd=dict(type='mmkd_ext.KDLoss', loss_weight=0.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=0.0))
    model = with_means(distiller(student, teacher_of(tiny(kind, 16, 32)), none if losses != 'none' else {}), HEADS[kind])
    stock = build(student)
    data = [raw(rng, masks=kind == 'mask') for _ in range(3)]

    def run(network):
        optim = build_optim_wrapper(network, dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)))
        torch.manual_seed(5)
        network.train()
        return [network.train_step(copy.deepcopy(batch), optim) for batch in data]

    for got, expected in zip(run(model), run(stock), strict=True):
        for name, value in expected.items():
            assert torch.equal(torch.as_tensor(got[name]), torch.as_tensor(value)), name
        assert {n for n in got if 'loss' in n} - set(expected) == (set() if losses == 'none' else {'loss_kd', 'loss_nd'})
    torch.testing.assert_close(model.student.state_dict(), stock.state_dict(), rtol=0, atol=0)


@KINDS
def test_each_backbone_and_each_box_head_runs_once(kind, rng):
    model = pair(kind).train()
    teacher = model.teachers['teacher'].network
    seen = []
    for name, network in (('student', model.student), ('teacher', teacher)):
        network.backbone.register_forward_hook(lambda *_, name=name: seen.append(f'{name} backbone'))
        heads = network.roi_head.bbox_head if kind == 'cascade' else [network.roi_head.bbox_head]
        for i, head in enumerate(heads):
            head.register_forward_hook(
                lambda *args, name=name, i=i: seen.append((f'{name} head {i}', args[2][0].requires_grad)))
    terms = model(*read(model, raw(rng, masks=kind == 'mask')), mode='loss')
    heads = [(f'{who} head {i}', who == 'student') for who in ('student', 'teacher') for i in range(HEADS[kind])]
    assert sorted(map(str, seen)) == sorted(map(str, ['student backbone', 'teacher backbone', *heads]))
    sum(v for k, v in terms.items() if 'loss' in k and isinstance(v, torch.Tensor)).backward()
    assert all(p.grad is None for p in teacher.parameters())


def test_a_step_reaches_every_parameter_and_no_teacher(rng):
    model = pair().train()
    teacher = model.teachers['teacher']
    before = copy.deepcopy(teacher.network.state_dict())
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.01)))
    optim.zero_grad = lambda **_: None
    terms = model.train_step(raw(rng), optim)
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert {'loss_kd', 'loss_nd', 'loss_review'} < set(terms)
    assert {n for n in terms if 'loss' not in n} == {
        'acc', 'student_norm', 'student_top1', 'teacher_norm', 'teacher_top1', 'kd_unweighted', 'nd_unweighted',
        'review_unweighted', 'nd_student_norm', 'nd_student_cosine', 'nd_teacher_cosine'}
    assert not any('teacher' in key for key in model.state_dict())
    torch.testing.assert_close(teacher.network.state_dict(), before, rtol=0, atol=0)
    assert not teacher.network.training
    hooks = [m for m in model.student.modules() if m._forward_hooks or m._forward_pre_hooks]
    assert hooks == [model.data_preprocessor] and 'loss_and_target' not in model.student.roi_head.bbox_head.__dict__


def test_a_cascade_learns_from_one_head_and_one_head_from_a_cascade(rng):
    for student, teacher, heads in (('cascade', 'faster', 3), ('faster', 'cascade', 1)):
        model = with_means(distiller(tiny(student), teacher_of(tiny(teacher)), LOSSES), heads).train()
        terms = model(*read(model, raw(rng)), mode='loss')
        assert all(torch.isfinite(terms[f'loss_{name}']) for name in LOSSES)


def test_several_teachers(rng):
    losses = dict(a=dict(type='mmkd_ext.KDLoss', teacher='big'), b=dict(type='mmkd_ext.KDLoss', teacher='small'))
    teachers = dict(big=teacher_of(tiny(width=16)), small=teacher_of(tiny()))
    model = distiller(tiny(), teachers, losses).train()
    terms = model(*read(model, raw(rng)), mode='loss')
    assert float(terms['loss_a'].detach()) != float(terms['loss_b'].detach()) and {'big_top1', 'small_top1'} < set(terms)


@pytest.mark.parametrize('boxes', [[[], []], [[[4, 6, 30, 34]], []]], ids=['no boxes at all', 'one image without'])
def test_images_without_boxes_teach_the_background(boxes, rng):
    model = pair().train()
    terms = model(*read(model, raw(rng, boxes=boxes)), mode='loss')
    assert all(float(terms[f'loss_{name}'].detach()) > 0 for name in LOSSES)
    sum(v for k, v in terms.items() if 'loss' in k for v in (v if isinstance(v, list) else [v])).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_batch_without_any_roi_costs_nothing_and_keeps_the_graph(rng):
    student = tiny()
    student['train_cfg']['rpn_proposal']['min_bbox_size'] = 1000  # which no proposal has
    model = with_means(distiller(student, teacher_of(tiny()), LOSSES)).train()
    terms = model(*read(model, raw(rng, boxes=[[], []])), mode='loss')
    assert float(terms['loss_kd'].detach()) == float(terms['loss_nd'].detach()) == 0 < float(terms['loss_review'].detach())
    sum(v for k, v in terms.items() if 'loss' in k for v in (v if isinstance(v, list) else [v])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('teacher', ['its own numbers', 'the same'])
def test_the_teacher_sees_what_its_own_preprocessor_makes(teacher, rng):
    own = dict(mean=[10.0, 20.0, 30.0], std=[3.0, 2.0, 1.0], bgr_to_rgb=False) if teacher == 'its own numbers' else {}
    model = distiller(tiny(), teacher_of(tiny(**own)), {})
    data = raw(rng, sizes=((50, 64), (64, 41)))
    inputs, samples = read(model, data)
    expected, _ = read(model.teachers['teacher'].network, data)
    torch.testing.assert_close(model.teachers['teacher'].as_its_own(inputs, samples), expected)
    assert tuple(inputs.shape) == (2, 3, 64, 64) and bool((expected[0, :, 50:] == 0).all() and (expected[1, :, :, 41:] == 0).all())
    torch.testing.assert_close(inputs, read(model, data)[0], rtol=0, atol=0)  # what the student sees stays


def test_a_teacher_that_saw_bgr_is_given_bgr(rng):
    model = distiller(tiny(), teacher_of(tiny(bgr_to_rgb=False)), {})
    inputs, samples = read(model, raw(rng))
    expected, _ = read(model.teachers['teacher'].network, raw(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(model.teachers['teacher'].as_its_own(inputs, samples), expected)
    caffe = distiller(tiny(bgr_to_rgb=False), teacher_of(tiny()), {})
    inputs, samples = read(caffe, raw(torch.Generator().manual_seed(0)))
    expected, _ = read(caffe.teachers['teacher'].network, raw(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(caffe.teachers['teacher'].as_its_own(inputs, samples), expected)


def test_a_teacher_in_bfloat16_says_almost_the_same(rng):
    spec = teacher_of(tiny())
    plain, half = (distiller(tiny(), s, {}).teachers['teacher'] for s in (spec, dict(spec, precision='bf16')))
    images, rois = torch.randn(2, 3, 64, 64, generator=rng), [torch.tensor([[0.0, 1, 2, 40, 50], [1.0, 5, 5, 20, 60]])]
    a, b = plain(images, None, rois), half(images, None, rois)
    assert not torch.equal(a.embedding, b.embedding.float())
    torch.testing.assert_close(a.embedding, b.embedding.float(), rtol=0.1, atol=0.02)


def test_a_teacher_that_guesses_is_said_and_background_does_not_count(rng, monkeypatch):
    said = []
    monkeypatch.setattr('mmkd_ext.models.distillers.chance_warning.print_log', lambda text, *_: said.append(text))
    model = pair(losses={}).train()
    model.teachers['teacher'].network.roi_head.bbox_head.fc_cls.bias[2] = 100  # no such object is there
    model._chance['teacher'].samples = 100
    for _ in range(40):
        model(*read(model, raw(rng)), mode='loss')
    assert len(said) == 1 and 'sampled regions with an object, which is chance for 4 classes' in said[0]
