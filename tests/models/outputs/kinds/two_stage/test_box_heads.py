"""Box heads of a two-stage detector: which there are, what they say at RoIs, and what is recorded of a training pass."""

import pytest
from support.detection import CLASSES, LOSSES, distiller, teacher_of, tiny

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
