"""Box heads of a two-stage detector: which there are, what they say at RoIs, and what is recorded of a training pass."""

import pytest
import torch
from support.detection import CLASSES, HEADS, LOSSES, build, distiller, host_watched, raw, read, teacher_of, tiny

from mmkd_ext.models.outputs.kinds.two_stage.box_heads import box_heads, recording_rois

ONE_STAGE = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'


@pytest.mark.parametrize(('model', 'lacks'), [
    (ONE_STAGE, 'student, got RetinaNet, which has no roi_head'),
    ('mmdet::faster_rcnn/faster-rcnn_r50-caffe-c4_ms-1x_coco.py', 'student, got FasterRCNN, which has no neck'),
    ('mmdet::sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py', 'student, got SparseRCNN, which has a DIIHead'),
])  # fmt: skip
@pytest.mark.filterwarnings('ignore:"dropout" is deprecated in `FFN:DeprecationWarning')  # of mmdet's Sparse R-CNN
def test_a_student_without_rois_is_told_what_to_use(model, lacks):
    with pytest.raises(ValueError, match=f'{lacks}. Use .mmdet::faster_rcnn'):
        distiller(model, teacher_of(tiny()), LOSSES)


def test_a_one_stage_teacher_is_told_too():
    with pytest.raises(ValueError, match='as teacher .*, got RetinaNet, which has no roi_head'):
        distiller(tiny(), dict(model=ONE_STAGE, checkpoint=None, allow_random=True), {})


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_scores_that_are_no_softmax_are_refused(who):
    seesaw = tiny()
    seesaw['roi_head']['bbox_head']['loss_cls'] = dict(type='SeesawLoss', num_classes=CLASSES)
    student, teacher = (seesaw, tiny()) if who == 'student' else (tiny(), seesaw)
    with pytest.raises(ValueError, match=r'has scores that are no softmax \(SeesawLoss\)'):
        distiller(student, teacher_of(teacher), LOSSES)


@pytest.mark.parametrize('kind', HEADS)
def test_a_detector_has_one_box_head_or_a_cascade_of_them(kind):
    detector = build(tiny(kind))
    heads = box_heads(detector, 'student')
    own = detector.roi_head.bbox_head
    assert [x.head for x in heads] == (list(own) if kind == 'cascade' else [own]) and len(heads) == HEADS[kind]


def by_hand(head, pooled):
    """What enters the last layer for the classes, and its scores."""
    x = pooled.flatten(1)
    for fc in head.shared_fcs:
        x = (x @ fc.weight.t() + fc.bias).clamp(min=0)
    return x, x @ head.fc_cls.weight.t() + head.fc_cls.bias


def test_what_a_head_says_at_rois_and_what_is_recorded_of_training_are_its_layers(rng):
    detector = build(tiny()).train()
    (box_head,) = box_heads(detector, 'student')
    inputs, samples = read(detector, raw(rng))
    with recording_rois(detector, [box_head]) as record, host_watched(detector) as calls:
        detector.loss(inputs, samples)
    ((sampled, _),) = calls
    outputs, (rois,), (labels,) = record.outputs(), record.rois, record.labels
    embedding, scores = by_hand(box_head.head, box_head.extractor(outputs.stages[:4], rois))
    torch.testing.assert_close(outputs.embedding, embedding)
    torch.testing.assert_close(outputs.logits, scores)
    expected = [y for x in sampled for y in [*x.pos_gt_labels.tolist(), *[CLASSES] * len(x.neg_priors)]]
    assert labels.tolist() == expected and len(outputs.stages) == 5 and not rois.requires_grad
    again = box_head(outputs.stages, rois)
    torch.testing.assert_close(again[0], embedding)
    torch.testing.assert_close(again[1], scores)
    assert again[2].shape == (len(rois), 4 * CLASSES)
    assert 'loss_and_target' not in box_head.head.__dict__
    assert not box_head.head.fc_cls._forward_pre_hooks and not detector.neck._forward_hooks
