"""Distillers whose frozen teacher has other classes, or the same in another order: what losses, diagnostics and checks see is mapped."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.distillation_runs import extra, run
from support.offline import HEAD, LOSSES, STUDENT, TEACHER, batch, distiller, read
from support.runs import lines_of, one_error

from mmkd_ext.losses import kd_loss
from mmkd_ext.models.config_from_data import tell_class_names
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.spec import read_spec
from mmkd_ext.registry import MODELS

WIDE = dict(TEACHER, model=dict(TEACHER['model'], head=dict(HEAD, in_channels=128, num_classes=7)))
KD = dict(kd=LOSSES['kd'])


def test_the_losses_and_diagnostics_of_a_distiller_have_the_mapped_logits(rng):
    model = distiller(teacher=dict(WIDE, classes=[6, [0, 1], 5, 3, 2]))
    teacher, data = model.teachers['teacher'], batch(rng)
    inputs, samples = read(model, data)
    terms = model.loss(inputs, samples)
    with torch.no_grad():
        raw = teacher.network(inputs)
        joined = raw.exp()[:, :2].sum(dim=1).log()
        expected = torch.stack([raw[:, 6], joined, raw[:, 5], raw[:, 3], raw[:, 2]], dim=1)
        student = model.student(inputs)
    torch.testing.assert_close(teacher(inputs).logits, expected)
    target = torch.cat([sample.gt_label for sample in samples])
    right = (expected.argmax(dim=1) == target).float().mean() * 100
    torch.testing.assert_close(terms['teacher_top1'], right)
    assert teacher.num_classes == 5
    torch.testing.assert_close(terms['loss_kd'], 2.5 * kd_loss(student, expected, 4.0), rtol=1e-4, atol=1e-5)
    predicted = teacher.predict(inputs, samples)
    torch.testing.assert_close(torch.stack([x.pred_score for x in predicted]), expected.softmax(dim=1))


def test_classes_left_out_are_an_error_for_logits_and_a_warning_for_features(capsys):
    holes = dict(WIDE, classes=[6, None, 5, 3, 2])
    with pytest.raises(ValueError, match='losses.kd compares logits and needs a class .* got none for 1 of them: 1. '):
        distiller(teacher=holes, losses=KD)
    distiller(teacher=holes, losses=dict(nd=LOSSES['nd']))
    assert 'losses.nd would need a class' in capsys.readouterr().out
    distiller(teacher=dict(holes, allow_unmapped=True), losses=KD)


def test_students_that_learn_together_have_a_mapped_teacher_too(rng):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(
            type='mmkd_ext.MutualLearningDistiller', students=dict(a=STUDENT, b=STUDENT), freeze_teacher=True, input_size=16,
            teacher=dict(WIDE, classes=[6, 0, 5, 3, 2]), losses=KD, data_preprocessor=dict(mean=[0] * 3, std=[1] * 3)))
    images = torch.randn(2, 3, 16, 16, generator=rng)
    with torch.no_grad():
        raw = model.teachers['teacher'].network(images)
    torch.testing.assert_close(model.teachers['teacher'](images).logits, raw[:, [6, 0, 5, 3, 2]])
    inputs, samples = read(model, batch(rng))
    assert model.loss(inputs, samples)['loss_kd_a'].isfinite()


def test_imagenets_names_are_known_of_a_zoos_teacher(rng):
    spec = dict(model='timm/test_resnet', checkpoint=None, allow_random=True)
    teacher = FrozenTeacher(dict(spec, classes=['n01440764', 'goldfish', 207]))
    plain = FrozenTeacher(dict(model='timm/test_resnet', checkpoint=None, allow_random=True))
    plain.network.load_state_dict(teacher.network.state_dict())
    images = torch.randn(2, 3, 64, 64, generator=rng)
    torch.testing.assert_close(teacher(images).logits, plain(images).logits[:, [0, 1, 207]])
    plain.labels.tell(2, ['n01443537', 'n01440764'])
    torch.testing.assert_close(plain(images).logits, teacher(images).logits[:, [1, 0]])


def test_classes_are_no_key_of_a_network_that_trains_and_none_of_a_detector():
    with pytest.raises(ValueError, match='classes is for a frozen teacher, got it for timm/test_resnet'):
        read_spec(dict(model='timm/test_resnet', classes=[0]))


@pytest.mark.parametrize(('dataset', 'names'), [
    (dict(type='mmkd_ext.Digits', pipeline=[]), tuple('0123456789')),
    (dict(type='mmkd_ext.Digits', metainfo=dict(classes=['a', 'b'])), ('a', 'b')),
    (dict(type='RepeatDataset', times=2, dataset=dict(type='CIFAR10', data_root='nowhere', download=False)), 'airplane'),
    (dict(type='CustomDataset', data_prefix='FOLDER'), ('cat', 'dog')),
    (dict(type='CustomDataset', data_root='ROOT', data_prefix='data', metainfo=dict(classes=['Katze', 'Hund'])), ('Katze', 'Hund')),
    (dict(type='CustomDataset', data_root='ROOT', data_prefix='nowhere'), None),
])  # fmt: skip
def test_the_data_of_a_config_tell_the_names_of_its_classes(tmp_path, dataset, names):
    for name in ('dog', 'cat'):
        (tmp_path / 'data' / name).mkdir(parents=True)
        (tmp_path / 'data' / name / '0.png').touch()
    text = str(dataset).replace('FOLDER', str(tmp_path / 'data')).replace('ROOT', str(tmp_path))
    cfg = Config(dict(
        model=dict(type='mmkd_ext.OfflineDistiller', student=STUDENT, teacher=TEACHER, losses=KD), default_scope='mmpretrain',
        train_dataloader=dict(dataset=eval(text))))
    tell_class_names(cfg)
    told = cfg.model.get('class_names')
    assert told[0] == names if isinstance(names, str) else told == names


def teacher_with(folder, text, names, order=None):
    """Its checkpoint with names of classes and, by `order`, its head's rows to match."""
    file = folder / 'teacher0.pth'
    saved = torch.load(file, weights_only=True)
    for key in ('head.fc.weight', 'head.fc.bias') if order else ():
        saved['state_dict'][key] = saved['state_dict'][key][order]
    torch.save({**saved, 'meta': {'dataset_meta': {'classes': names}}}, file)
    return text


def test_a_run_whose_teacher_has_the_classes_in_another_order_is_that_of_the_teacher_in_the_data_s_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text, epoch = extra(tmp_path) + 'train_cfg = dict(max_epochs=1)\n', []
    order = [9, 1, 2, 8, 4, 5, 6, 7, 3, 0]
    for names, rows in ((tuple('0123456789'), None), ([str(k) for k in order], order)):
        assert run(tmp_path, teacher_with(tmp_path, text, names, rows), f'work{len(epoch)}')[1] == 0
        epoch.append([{k: v for k, v in line.items() if 'loss' in k or 'top1' in k} for line in lines_of(f'work{len(epoch)}')])
    assert '10 of its 10 classes are mapped to 10 of the student' in capsys.readouterr().out
    for line, other in zip(*epoch, strict=True):
        assert line == pytest.approx(other, rel=1e-5)
    assert any('teacher/accuracy/top1' in line for line in epoch[1])


def test_a_run_with_a_class_that_nobody_has_ends_with_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = teacher_with(tmp_path, extra(tmp_path), [f'digit {k}' for k in range(10)])
    text = text.replace('teacher=dict(', f"teacher=dict(classes={[f'digit {k}' for k in range(9)] + ['digt 9']}, ")
    assert run(tmp_path, text, 'work')[1] == 2
    assert "got 'digt 9'. Did you mean" in one_error(capsys.readouterr().err)
