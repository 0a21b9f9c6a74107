"""Heads that are not one softmax: several labels by sigmoids, several tasks, values."""

import copy
import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.evaluation import AveragePrecision
from support.runs import one_error, one_thread, write_config
from support.several_labels import LABELS, LINEAR, batch, distiller, network
from witnesses.naive_kd import naive_binary_kd
from witnesses.naive_nd import naive_nd

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.class_means.compute import batches_of, compute_class_means
from mmkd_ext.commands import train
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.registry import MODELS

HEADS = dict(
    linear=dict(neck=dict(type='GlobalAveragePooling'), head=LINEAR),
    csra=dict(head=dict(type='CSRAClsHead', num_classes=4, in_channels=64, num_heads=1, lam=0.1)))
SOFTMAX = dict(type='LinearClsHead', num_classes=4, in_channels=64)
TASKS = dict(type='MultiTaskHead', in_channels=64, task_heads=dict(
    colour=dict(type='LinearClsHead', num_classes=4), shape=dict(type='LinearClsHead', num_classes=4)))
VALUES = dict(type='LinearRegressionHead', num_classes=4, in_channels=64)


@pytest.mark.parametrize('scores', [False, True], ids=['labels', 'scores'])
@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('labels', [LABELS, [[0], [3], [1], [1]]], ids=['several', 'one each'])
def test_kd_is_binary_and_nd_follows_the_mean_of_the_labels_class_means(rng, head, labels, scores):
    plain = {key: value for key, value in network().items() if key not in ('neck', 'head')} | HEADS[head]
    model = distiller(plain, plain, dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), nd=dict(type='mmkd_ext.NDLoss'))).double().train()
    means = torch.rand(4, 64, generator=rng, dtype=torch.float64) + 0.1
    model.distill.nd.set_class_means(means)
    data = model.data_preprocessor(batch(rng, labels, scores), True)
    inputs, samples = data['inputs'].double(), data['data_samples']
    alone = copy.deepcopy(model.student)
    with recording(alone) as record:
        own = alone.loss(inputs, samples)
    student, teacher = record.outputs(), model.teachers['teacher'](inputs)
    terms = model.loss(inputs, samples)
    mix = torch.tensor([[float(k in each) / max(len(each), 1) for k in range(4)] for each in labels])
    torch.testing.assert_close(terms['loss_student'], own['loss'])
    torch.testing.assert_close(terms['loss_kd'], 1.5 * naive_binary_kd(student.logits, teacher.logits, 2.0))
    some = mix.sum(dim=1) > 0
    expected = naive_nd(student.embedding[some], teacher.embedding[some], mix[some], means) * some.sum() + (~some).sum()
    torch.testing.assert_close(terms['loss_nd'], expected / len(labels))  # an image without a label counts 1, without a gradient
    assert not any('top1' in key for key in terms)


def test_z_scores_of_sigmoids_are_refused_before_the_run():
    with pytest.raises(ValueError, match=r'losses\.x \(KDLoss\) compares one softmax .* got a sigmoid for each class of the student'):
        distiller(network(), network(), dict(x=dict(type='mmkd_ext.KDLoss', standardise=True)))


@pytest.mark.parametrize('loss', ['DKDLoss', 'DISTLoss', 'HardKDLoss', 'DSKDHead', 'TTMLoss'])
def test_losses_that_compare_softmaxes_refuse_sigmoids_before_the_run(loss):
    with pytest.raises(ValueError, match=rf'losses\.x \({loss}\) compares one softmax .* got a sigmoid for each class of the student'):
        distiller(network(), network(), dict(x=dict(type=f'mmkd_ext.{loss}')))


@pytest.mark.parametrize(('student', 'teacher'), [(LINEAR, SOFTMAX), (SOFTMAX, LINEAR), (VALUES, VALUES)], ids=['some', 'one', 'values'])
def test_scores_of_two_kinds_are_refused_and_features_are_followed(student, teacher):
    with pytest.raises(ValueError, match=r'losses\.kd \(KDLoss\) compares one softmax over the classes or a sigmoid for each class of '):
        distiller(network(student), network(teacher), dict(kd=dict(type='mmkd_ext.KDLoss')))
    distiller(network(student), network(teacher), dict(review=dict(type='mmkd_ext.ReviewKDLoss')))


def test_values_have_no_class_means():
    with pytest.raises(ValueError, match=r'losses\.nd \(NDLoss\) follows the means of classes, got values of a regression'):
        distiller(network(VALUES), network(VALUES), dict(nd=dict(type='mmkd_ext.NDLoss')))


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_a_head_of_several_tasks_is_one_true_sentence(who):
    student, teacher = (network(TASKS), network(SOFTMAX)) if who == 'student' else (network(SOFTMAX), network(TASKS))
    with pytest.raises(ValueError, match='needs one head .* got MultiTaskHead with the tasks colour, shape'):
        distiller(student, teacher, dict(kd=dict(type='mmkd_ext.KDLoss')))


@pytest.mark.parametrize('head', [LINEAR, VALUES, TASKS], ids=['labels', 'values', 'tasks'])
def test_networks_that_learn_together_need_a_softmax(head):
    with pytest.raises(ValueError, match='one softmax over the classes, got a with|got MultiTaskHead with the tasks'):
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            MODELS.build(dict(
                type='mmkd_ext.MutualLearningDistiller', students=dict(a=dict(model=network(head)), b=dict(model=network(head))),
                losses=dict(ml=dict(type='mmkd_ext.MutualLearningLoss')), input_size=16))


def test_class_means_of_several_labels_are_those_of_the_images_that_have_the_class(rng):
    model = distiller(network(), network(), dict(nd=dict(type='mmkd_ext.NDLoss')))
    labels = [*LABELS[:3], [1, 0], [2, 2]]  # none of class 3
    data = batch(rng, labels)
    dataset = [dict(inputs=x, data_samples=y) for x, y in zip(data['inputs'], data['data_samples'], strict=True)]
    loader = dict(batch_size=2, collate_fn=dict(type='default_collate'))
    teacher = model.teachers['teacher']
    means, counts = compute_class_means(teacher, batches_of(model, loader, dataset), 'abcd')
    embedding = teacher(model.data_preprocessor(data, False)['inputs']).embedding
    for k in range(3):
        members = [row for row, each in zip(embedding.tolist(), labels, strict=True) if k in each]
        naive = torch.tensor([sum(column) / len(members) for column in zip(*members, strict=True)], dtype=torch.float64)
        torch.testing.assert_close(means[k], naive, rtol=1e-5, atol=1e-6)
        assert counts[k] == len(members)
    assert counts[3] == 0 and means[3].isnan().all()


_RUN = """
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student={network}, input_size=16,
    teacher=dict(model={network}, checkpoint='{teacher}'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0), nd=dict(type='mmkd_ext.NDLoss')))
data_preprocessor = dict(_delete_=True, num_classes=4, mean=[100.0] * 3, std=[50.0] * 3, to_onehot=True)
data = dict(
    _delete_=True, type='MultiLabelDataset', ann_file='labels.json', data_prefix='', data_root='{folder}',
    pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
train_dataloader = dict(dataset=data, batch_size=4)
val_dataloader = dict(dataset=data, batch_size=4)
test_dataloader = dict(dataset=data, batch_size=4)
val_evaluator = [dict(type='AveragePrecision'), dict(type='MultiLabelMetric', average='macro')]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook'), dict(type='mmkd_ext.DistillationReportHook')]
custom_imports = dict(imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.hooks', 'mmkd_ext.models'])
"""


def test_a_run_on_several_labels_scores_the_teacher_by_its_own_sigmoids(tmp_path, monkeypatch, capsys, rng):
    monkeypatch.chdir(tmp_path)
    labels = [[0, 2], [1], [0], [2, 1, 0], [2], [1], [1, 2], [0]]  # none of class 3
    images = torch.randint(256, (len(labels), 16, 16, 3), generator=rng, dtype=torch.uint8).numpy()
    for i, image in enumerate(images):
        cv2.imwrite(f'{i}.png', image)
    (tmp_path / 'labels.json').write_text(json.dumps(dict(
        metainfo=dict(classes=['cat', 'dog', 'hen', 'owl']),
        data_list=[dict(img_path=f'{i}.png', gt_label=each) for i, each in enumerate(labels)])))
    torch.manual_seed(3)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        teacher = MODELS.build(network()).eval()
    torch.save(dict(state_dict=teacher.state_dict()), 'teacher.pth')
    config = write_config(tmp_path, _RUN.format(network=network(), teacher=tmp_path / 'teacher.pth', folder=tmp_path))
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work']) == 0, capsys.readouterr().err
    inputs = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().sub(100).div(50)
    with torch.no_grad():
        logits = teacher(inputs)
    hot = torch.tensor([[float(k in each) for k in range(4)] for each in labels])
    (file,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    record = next(each for each in map(json.loads, file.read_text().splitlines()) if 'teacher/multi-label/mAP' in each)
    assert record['teacher/multi-label/mAP'] == pytest.approx(float(AveragePrecision.calculate(logits.sigmoid(), hot)), abs=1e-2)
    chosen = [[k for k, z in enumerate(row) if z >= 0] for row in logits.tolist()]  # sigmoid of 0.5
    recalls = [sum(k in a and k in b for a, b in zip(chosen, labels, strict=True)) / max(sum(k in b for b in labels), 1) for k in range(4)]
    assert record['teacher/multi-label/recall'] == pytest.approx(100 * sum(recalls) / 4, abs=1e-2)
    state = read_checkpoint('work/epoch_1.pth')['state_dict']
    assert state['distill.nd.class_means'].abs().sum(dim=1).gt(0).tolist() == [True] * 3 + [False]

    text = config.read_text().replace('KDLoss', 'DKDLoss')
    (tmp_path / 'other.py').write_text(text)
    with one_thread():
        assert train.main(['other.py', '--work-dir', 'other']) == 2
    assert 'losses.kd (DKDLoss) compares one softmax' in one_error(capsys.readouterr().err)
