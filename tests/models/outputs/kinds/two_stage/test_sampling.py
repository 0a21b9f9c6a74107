"""RoIs for class means: the student's sampling, the teacher's embeddings."""

import copy

import pytest
import torch
from support.detection import CLASSES, HEADS, LOSSES, host_watched, pair, raw, read

ND = dict(nd=LOSSES['nd'])


@pytest.mark.parametrize('kind', ['faster', 'cascade'])
def test_samples_are_those_of_the_host_s_own_training_pass(kind, rng):
    model = pair(kind, ND)
    teacher = model.teachers['teacher']
    inputs, samples = read(model, raw(rng, sizes=((64, 64), (50, 60))))
    torch.manual_seed(2)
    outputs, rows = model.class_mean_samples(teacher, dict(inputs=inputs, data_samples=copy.deepcopy(samples)))

    # the same assigners and samplers in the teacher's config, so its own loss draws the same
    network = copy.deepcopy(teacher.network)
    entered = []
    heads = network.roi_head.bbox_head if kind == 'cascade' else [network.roi_head.bbox_head]
    for head in heads:
        head.fc_cls.register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    with torch.no_grad():
        maps = network.extract_feat(inputs)
        found = network.rpn_head.predict(maps, samples)
        torch.manual_seed(2)
        with host_watched(network) as calls:
            network.roi_head.loss(maps, found, copy.deepcopy(samples))
    labels = []
    for i, (sampled, _) in enumerate(calls):
        for x in sampled:
            labels += [i * (CLASSES + 1) + y for y in [*x.pos_gt_labels.tolist(), *[CLASSES] * len(x.neg_priors)]]
    assert len(calls) == HEADS[kind] and rows.tolist() == labels and CLASSES in labels and len(set(labels)) > HEADS[kind]
    torch.testing.assert_close(outputs.embedding, torch.cat(entered))
