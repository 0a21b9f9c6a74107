"""What all kinds of mmdet's detectors share: pyramids paired by stride, the order of channels, mmdet itself."""

import subprocess
import sys

import pytest
from support.detection import LOSSES, distiller, raw, read, teacher_of, tiny

from mmkd_ext.models import TwoStageDistiller


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


def test_classification_needs_no_mmdet_and_detection_without_it_says_what_to_install(monkeypatch):
    blocked = "import sys; sys.modules.update({'mmdet': None, 'mmcv.ops': None})"  # mmpretrain imports them where they are
    code = f'{blocked}; import mmkd_ext.models, mmkd_ext.hooks, mmkd_ext.datasets\n'
    code += 'from mmkd_ext.commands import benchmark, distill, export_student, study, test, train'
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)
    monkeypatch.setitem(sys.modules, 'mmdet.models', None)
    with pytest.raises(ValueError, match="needs mmdet and mmcv's ops, got .*install_mmcv.sh"):
        TwoStageDistiller.build_student(tiny(), None)
