"""The pages of polyps at 192 px train a step, and start from ImageNet's weights of EfficientNet-Lite0 where these are needed."""

import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.detection import raw
from support.runs import REPO, one_error

from mmkd_ext.commands import train
from mmkd_ext.evaluation.study_plan import load_plan
from mmkd_ext.evaluation.study_runs import Study
from mmkd_ext.registry import MODELS

PAGES = sorted(REPO.glob('configs/*/*_polyps_192.py'))
BOXES = [[[4, 6, 30, 34]], [[20, 10, 60, 50]]]  # one class has one label
pytestmark = pytest.mark.det


def detectors(model):
    """The configs of the networks that train."""
    return [*model.get('students', {}).values()] or [model.get('student', model)]


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The state dict in the file that the pages name."""
    torch.manual_seed(3)
    network = timm.create_model('tf_efficientnet_lite0')
    torch.save({'state_dict': network.state_dict(), 'meta': {}}, tmp_path / 'tf_efficientnet_lite0.pth')
    monkeypatch.setenv('MMKD_WEIGHTS', str(tmp_path))
    return network.state_dict()


def test_the_student_alone_its_teacher_kd_kdpp_and_mutual_learning_are_here():
    assert [path.stem.split('_')[0] for path in PAGES] == ['kdml', 'faster', 'kd', 'kdpp', 'teacher']


@pytest.mark.parametrize('path', PAGES, ids=lambda path: path.stem)
def test_a_page_trains_every_parameter_in_a_step(path, rng, monkeypatch):
    monkeypatch.chdir(REPO)
    cfg = Config.fromfile(path)
    for each in detectors(cfg.model):
        assert each.roi_head.bbox_head.num_classes == 1 and each.backbone.pretrained is True
        each.backbone.pretrained = False
    if 'teacher' in cfg.model:
        cfg.model.teacher = dict(model=cfg.model.teacher.model, checkpoint=None, allow_random=True)
        cfg.model.input_size = 64
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model).train()
    for loss in getattr(model, 'distill', {}).values():
        if loss.needs_class_means:
            loss.set_class_means(torch.rand(2, loss.widths[1], generator=rng) + 0.1)
    total, _ = model.parse_losses(model(**model.data_preprocessor(raw(rng, boxes=BOXES), True), mode='loss'))
    total.backward()
    assert torch.isfinite(total)
    assert [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_a_study_starts_every_variant_from_the_pretrained_backbone_and_a_head_of_its_seed(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(REPO)
    plan = load_plan(REPO / 'configs/nd_loss_det/study_polyps.py')
    study = Study(plan, tmp_path / 'study')
    starts = [torch.load(study.start(seed), weights_only=True)['state_dict'] for seed in (0, 1)]
    for start in starts:
        found = {key.removeprefix('backbone.timm_model.model.'): x for key, x in start.items() if key.startswith('backbone.')}
        assert len(found) > 100 and all(torch.equal(x, weights[key]) for key, x in found.items())
    key = 'roi_head.bbox_head.fc_cls.weight'
    assert not torch.equal(starts[0][key], starts[1][key])


def test_a_file_of_weights_that_is_absent_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('MMKD_WEIGHTS', str(tmp_path / 'nowhere'))
    assert train.main([str(PAGES[1]), '--work-dir', str(tmp_path / 'work')]) == 2
    said = one_error(capsys.readouterr().err)
    assert f'got none at {tmp_path}/nowhere/tf_efficientnet_lite0.pth' in said and 'pretrained_cfg_overlay' in said
