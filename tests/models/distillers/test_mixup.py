"""Mixed images through a whole distiller: ND mixes the class means by the labels' coefficients, DKD refuses to start."""

import copy

import numpy as np
import pytest
import torch
from support.distillation_runs import extra, run
from support.offline import MIXUP, STUDENT, batch, distiller
from support.runs import one_error

LAM = 0.3


def by_hand(images, labels, partner, student, teacher, means):
    """ND of each mixed sample in plain Python: student and teacher see the mixed image, the two means are mixed alike."""
    total = 0.0
    for n, other in enumerate(partner):
        mixed = LAM * images[n] + (1 - LAM) * images[other]
        s, t = (network(mixed[None])[0].double().tolist() for network in (student, teacher))
        mean = [LAM * a + (1 - LAM) * b for a, b in zip(means[labels[n]], means[labels[other]], strict=True)]
        s_norm, t_norm, length = (sum(x * x for x in v) ** 0.5 for v in (s, t, mean))
        total += 1 - sum(a * b for a, b in zip(s, mean, strict=True)) / length / max(s_norm, t_norm)
    return total / len(labels)


def test_class_means_are_mixed_with_the_coefficients_of_the_labels(rng, monkeypatch):
    data = batch(rng)
    model = distiller(dict(STUDENT, train_cfg=MIXUP), losses=dict(nd=dict(type='mmkd_ext.NDLoss', dropout=0.0))).eval()
    plain, labels = (data['inputs'].float() - 100) / 50, [sample.gt_label.item() for sample in data['data_samples']]
    monkeypatch.setattr(np.random, 'beta', lambda *_: LAM)
    torch.manual_seed(3)
    mixed = model.data_preprocessor(copy.deepcopy(data), True)
    terms = model(mixed['inputs'], mixed['data_samples'], mode='loss')
    torch.manual_seed(3)
    partner = torch.randperm(len(labels)).tolist()  # as mmpretrain's Mixup draws it
    assert any(labels[n] != labels[other] for n, other in enumerate(partner))

    def student(x):
        return model.distill.nd.projection(model.student.extract_feat(x)[-1])

    def teacher(x):
        return model.teachers['teacher'].network.extract_feat(x)[-1]

    with torch.no_grad():
        expected = by_hand(plain, labels, partner, student, teacher, model.distill.nd.class_means.tolist())
        unmixed = by_hand(plain, [labels[0]] * 6, partner, student, teacher, model.distill.nd.class_means.tolist())
    assert terms['loss_nd'].item() == pytest.approx(expected, rel=1e-5) != pytest.approx(unmixed, rel=1e-5)


def test_mixup_with_dkd_ends_in_one_sentence_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path).replace('mmkd_ext.KDLoss', 'mmkd_ext.DKDLoss')
    text += "model['student'] = dict(_base_.model, train_cfg=dict(augments=[dict(type='Mixup', alpha=0.8)]))\n"
    assert run(tmp_path, text, 'work')[1] == 2
    error = one_error(capsys.readouterr().err)
    assert 'dkd_loss needs integer labels' in error and 'Soft labels (mixup, CutMix)' in error
    assert not list((tmp_path / 'work').glob('*.pth'))  # neither class means nor a checkpoint
