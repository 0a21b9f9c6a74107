"""What TwoStageDistiller refuses, in one sentence each, and pyramids of other depths."""

import subprocess
import sys

import pytest
import torch
from support.detection import CLASSES, LOSSES, distiller, pair, raw, read, teacher_of, tiny, with_means

from mmkd_ext.models import TwoStageDistiller


def test_boxes_without_area_and_labels_that_are_no_class_are_refused(rng):
    model = pair().train()
    with pytest.raises(ValueError, match=r'positive width and height .* \[4.0, 6.0, 4.0, 34.0\] with label 0 in 1.png'):
        model(*read(model, raw(rng, boxes=[[[4, 6, 30, 34]], [[4, 6, 4, 34]]])), mode='loss')
    data = raw(rng)
    data['data_samples'][0].gt_instances.labels[1] = CLASSES
    with pytest.raises(ValueError, match=r'labels 0\.\.2 are needed, got .* with label 3 in 0.png'):
        model.data_preprocessor(data, training=True)
    model.data_preprocessor(data, False)  # what is tested is the evaluator's business


def test_boxes_are_looked_at_before_they_move_to_a_device(rng, monkeypatch):
    from mmdet.structures.bbox import HorizontalBoxes

    model, data = pair().train(), raw(rng)
    for sample in data['data_samples']:  # as PackDetInputs leaves them
        sample.gt_instances.bboxes = HorizontalBoxes(sample.gt_instances.bboxes)
    order = []
    cast = model.data_preprocessor.cast_data
    monkeypatch.setattr(model.data_preprocessor, 'cast_data', lambda batch: (order.append('moved'), cast(batch))[1])
    original = torch.Tensor.nonzero  # what waits for a device
    monkeypatch.setattr(torch.Tensor, 'nonzero', lambda self, **k: (order.append('looked'), original(self, **k))[1])
    inputs, samples = (model.data_preprocessor(data, True)[key] for key in ('inputs', 'data_samples'))
    assert order[:2] == ['looked', 'moved']
    monkeypatch.undo()
    for sample in samples:
        sample.gt_instances.bboxes[:, 2:] = sample.gt_instances.bboxes[:, :2]  # nobody asks any more
    assert 'loss_kd' in model(inputs, samples, mode='loss')


def test_teachers_of_other_classes(rng):
    teacher = teacher_of(tiny(classes=5))
    with pytest.raises(ValueError, match='student has 3 classes and the teacher FasterRCNN has 5, but losses.kd compares'):
        distiller(tiny(), teacher, LOSSES)
    model = with_means(distiller(tiny(), teacher, dict(nd=LOSSES['nd'])))
    assert float(model.train()(*read(model, raw(rng)), mode='loss')['loss_nd'].detach()) > 0


def test_class_means_of_another_number_of_classes_are_refused(rng):
    model = pair().train()
    model.distill.nd.set_class_means(torch.ones(81, 48))
    with pytest.raises(ValueError, match='losses.nd needs class means of 4 rows, 3 classes and the background .* got 81'):
        model(*read(model, raw(rng)), mode='loss')


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


def levels(start, outs, end=-1):
    model = tiny()
    model['neck'].update(start_level=start, num_outs=outs, end_level=end)
    return model


def test_pyramids_are_paired_by_stride(rng):
    review = dict(review=LOSSES['review'])
    student = levels(0, 4)
    student['rpn_head']['anchor_generator']['strides'] = [4, 8, 16, 32]
    model = distiller(student, teacher_of(tiny(width=16)), review).train()
    terms = model(*read(model, raw(rng)), mode='loss')
    assert 0 < float(terms['loss_review'].detach())
    assert len(model.distill.review.widths[0]) == len(model.distill.review.widths[1]) == 4
    assert model._levels['teacher'] == ([0, 1, 2, 3], [0, 1, 2, 3])
    model = distiller(tiny(), teacher_of(levels(1, 4)), review)
    assert model._levels['teacher'] == ([1, 2, 3, 4], [0, 1, 2, 3])
    apart = levels(0, 2, end=1), teacher_of(levels(2, 3))
    assert distiller(*apart, {})._levels['teacher'] == ([], [])
    with pytest.raises(ValueError, match=r'none in common: student 4: 16, 8: 16; teacher 16: 16, 32: 16, 64: 16'):
        distiller(*apart, review)
    with pytest.raises(ValueError, match='needs with_embedding=False in detection'):
        distiller(tiny(), teacher_of(tiny()), dict(review=dict(type='mmkd_ext.ReviewKDLoss')))


def test_a_loss_may_not_hide_the_student_s_own_and_compile_is_for_classifiers(rng):
    model = distiller(tiny(), teacher_of(tiny()), dict(cls=dict(type='mmkd_ext.KDLoss')))
    with pytest.raises(ValueError, match='got loss_cls: rename it'):
        model(*read(model, raw(rng)), mode='loss')
    with pytest.raises(ValueError, match='without torch.compile, got compile=True'):
        distiller(tiny(), teacher_of(tiny(), compile=True), {})


def test_classification_needs_no_mmdet_and_detection_without_it_says_what_to_install(monkeypatch):
    blocked = "import sys; sys.modules.update({'mmdet': None, 'mmcv.ops': None})"  # mmpretrain imports them where they are
    code = f'{blocked}; import mmkd_ext.models, mmkd_ext.hooks, mmkd_ext.datasets\n'
    code += 'from mmkd_ext.commands import benchmark, distill, export_student, study, test, train'
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)
    monkeypatch.setitem(sys.modules, 'mmdet.models', None)
    with pytest.raises(ValueError, match="needs mmdet and mmcv's ops, got .*install_mmcv.sh"):
        TwoStageDistiller.build_student(tiny(), None)


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_scores_that_are_no_softmax_are_refused(who):
    seesaw = tiny()
    seesaw['roi_head']['bbox_head']['loss_cls'] = dict(type='SeesawLoss', num_classes=CLASSES)
    student, teacher = (seesaw, tiny()) if who == 'student' else (tiny(), seesaw)
    with pytest.raises(ValueError, match=r'has scores that are no softmax \(SeesawLoss\)'):
        distiller(student, teacher_of(teacher), LOSSES)
