"""What TwoStageDistiller refuses, in one sentence each, and pyramids of other depths."""


import pytest
import torch
from support.detection import CLASSES, LOSSES, distiller, pair, raw, read, teacher_of, tiny, with_means


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


def test_a_loss_may_not_hide_the_student_s_own_and_compile_is_for_classifiers(rng):
    model = distiller(tiny(), teacher_of(tiny()), dict(cls=dict(type='mmkd_ext.KDLoss')))
    with pytest.raises(ValueError, match='got loss_cls: rename it'):
        model(*read(model, raw(rng)), mode='loss')
    with pytest.raises(ValueError, match='without torch.compile, got compile=True'):
        distiller(tiny(), teacher_of(tiny(), compile=True), {})
