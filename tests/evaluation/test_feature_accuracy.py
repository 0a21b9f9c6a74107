"""KNNAccuracy and ProbeAccuracy against plain loops and closed forms, and on data that cannot be judged."""

from math import exp, sqrt

import numpy as np
import pytest
import torch

from mmkd_ext.evaluation.feature_accuracy import KNNAccuracy, ProbeAccuracy

CLASSES, WIDTH = 3, 4


def data(rng, count=31, spread=1.5):
    labels = torch.randint(CLASSES, (count,), generator=rng)
    centres = torch.randn(CLASSES, WIDTH, generator=rng)
    return centres[labels] + spread * torch.randn(count, WIDTH, generator=rng), labels


def judged(metric, features, labels):
    metric.process(None, [dict(embedding=x, gt_label=k[None]) for x, k in zip(features, labels, strict=True)])
    return metric.evaluate(len(features))


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def naive_knn(features, labels, learned, asked, k, tau):
    hits = []
    for i in asked:
        near = sorted(learned, key=lambda j: -cosine(features[i].tolist(), features[j].tolist()))[:k]
        votes = [0.0] * CLASSES
        for j in near:
            votes[labels[j]] += exp(cosine(features[i].tolist(), features[j].tolist()) / tau)
        hits.append(votes.index(max(votes)) == labels[i])
    return hits


def naive_probe(features, labels, learned, asked, ridge):
    """The normal equations of ridge regression to -1 and 1, on standardised features, with an intercept that is not penalised."""
    x, y = features[learned].double().numpy(), labels[learned].numpy()
    known = np.unique(y)
    mean, std = x.mean(0), x.std(0)
    z = (x - mean) / std
    targets = np.where(y[:, None] == known, 1.0, -1.0)
    weights = np.linalg.solve(z.T @ z + ridge * len(z) * np.eye(z.shape[1]), z.T @ (targets - targets.mean(0)))
    scores = (features[asked].double().numpy() - mean) / std @ weights + targets.mean(0)
    return list(known[scores.argmax(1)] == labels[asked].numpy())


def naive_folds(labels):
    seen = [0] * CLASSES
    places = []
    for label in labels.tolist():
        places.append(seen[label] % 5)
        seen[label] += 1
    for fold in range(5):
        yield [i for i, p in enumerate(places) if p != fold], [i for i, p in enumerate(places) if p == fold]


@pytest.mark.parametrize('bank', [None, 20])
@pytest.mark.parametrize('k', [1, 5, 200])
def test_knn_equals_a_plain_loop(rng, bank, k):
    features, labels = data(rng)
    splits = naive_folds(labels) if bank is None else [(range(bank), range(bank, len(labels)))]
    hits = [hit for learned, asked in splits for hit in naive_knn(features, labels, learned, asked, k, 0.2)]
    found = judged(KNNAccuracy(k, 0.2, bank=bank), features, labels)
    assert found == {'knn/top1': pytest.approx(100 * sum(hits) / len(hits))} and 20 < found['knn/top1'] < 100


@pytest.mark.parametrize('bank', [None, 20])
@pytest.mark.parametrize('ridge', [1e-3, 10.0])
def test_the_probe_equals_the_normal_equations(rng, bank, ridge):
    features, labels = data(rng)
    splits = list(naive_folds(labels)) if bank is None else [(list(range(bank)), list(range(bank, len(labels))))]
    hits = [hit for learned, asked in splits for hit in naive_probe(features, labels, learned, asked, ridge)]
    found = judged(ProbeAccuracy(ridge, bank=bank), features, labels)
    assert found == {'probe/top1': pytest.approx(100 * sum(hits) / len(hits))} and 10 < found['probe/top1'] < 100


@pytest.mark.parametrize('kind', [KNNAccuracy, ProbeAccuracy])
def test_no_class_is_asked_about_by_other_classes_alone_in_whatever_order_they_come(rng, kind):
    # images of five classes in turn: a fold by the place in the data would be a class
    features = 10 * torch.eye(5).repeat(8, 1) + 0.01 * torch.randn(40, 5, generator=rng)
    for order in (torch.arange(40), torch.arange(40).reshape(8, 5).T.flatten()):
        assert list(judged(kind(), features[order], torch.arange(5).repeat(8)[order]).values()) == [100.0]


@pytest.mark.parametrize('kind', [KNNAccuracy, ProbeAccuracy])
def test_features_that_are_not_finite_are_no_accuracy(rng, kind):
    features, labels = data(rng)
    features[3, 1] = float('nan')
    assert np.isnan(list(judged(kind(), features, labels).values())).all()


@pytest.mark.parametrize('kind', [KNNAccuracy, ProbeAccuracy])
def test_data_that_cannot_be_judged_are_one_sentence(rng, kind):
    features, labels = data(rng)
    name = kind.__name__
    with pytest.raises(ValueError, match=f'{name} needs more images than its bank=31, got 31'):
        judged(kind(bank=31), features, labels)
    with pytest.raises(ValueError, match=f'{name} needs two images or more of a class, got 4 images of as many classes'):
        judged(kind(), features[:4], torch.arange(4))
    with pytest.raises(ValueError, match=f'{name} needs validation images with one label each, got none'):
        kind().process(None, [dict(embedding=features[0])])
    with pytest.raises(ValueError, match=f'{name} needs the embedding of each image, .* got samples with gt_label, pred_score'):
        kind().process(None, [dict(gt_label=labels[:1], pred_score=features[0])])
    for bank in (0, 2.5, 'all', True):
        with pytest.raises(ValueError, match=f'{name} needs bank to be a whole number >= 1'):
            kind(bank=bank)


@pytest.mark.parametrize(('kind', 'options', 'word'), [
    (KNNAccuracy, dict(k=0), 'k'), (KNNAccuracy, dict(k=None), 'k of 1'), (KNNAccuracy, dict(tau=0.0), 'k of 1 or more and tau > 0'),
    (KNNAccuracy, dict(tau='hot'), 'tau'), (ProbeAccuracy, dict(ridge=0), 'ridge > 0'), (ProbeAccuracy, dict(ridge=float('nan')), 'ridge')])
def test_options_out_of_range_are_refused(kind, options, word):
    with pytest.raises(ValueError, match=f'{kind.__name__} needs {word}'):
        kind(**options)
