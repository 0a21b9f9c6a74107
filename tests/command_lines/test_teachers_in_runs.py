"""What a run takes from its teacher: means that are this teacher's, data in wrappers, metrics that are no numbers."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.distillation_runs import extra, run
from support.runs import one_error, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.class_means.compute import clean_data

ONE_EPOCH = 'train_cfg = dict(max_epochs=1)\n'


def means_in(work_dir):
    return read_checkpoint(work_dir / 'epoch_1.pth')['state_dict']['distill.nd.class_means']


def test_a_run_that_starts_from_another_teachers_checkpoint_has_its_own_means(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(tmp_path, extra(tmp_path) + ONE_EPOCH, 'first')
    run(tmp_path, extra(tmp_path, seed=1) + ONE_EPOCH, 'fresh')
    run(tmp_path, extra(tmp_path, seed=1) + ONE_EPOCH + "load_from = 'first/epoch_1.pth'\n", 'second')
    assert not torch.equal(means_in(tmp_path / 'first'), means_in(tmp_path / 'fresh'))
    torch.testing.assert_close(means_in(tmp_path / 'second'), means_in(tmp_path / 'fresh'), rtol=0, atol=0)


@pytest.mark.parametrize('change', ["data_preprocessor=dict(mean=[5.0] * 3, std=[9.0] * 3)", 'input_size=16'])
def test_means_of_a_teacher_that_sees_otherwise_are_made_anew(tmp_path, monkeypatch, change):
    monkeypatch.chdir(tmp_path)
    run(tmp_path, extra(tmp_path) + ONE_EPOCH, 'first')
    run(tmp_path, extra(tmp_path) + ONE_EPOCH + f"model['teacher'].update({change})\n", 'second')
    assert not torch.equal(means_in(tmp_path / 'first'), means_in(tmp_path / 'second'))
    assert len(list((tmp_path / 'class_means').iterdir())) == 2


@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'ConcatDataset'])
def test_clean_means_of_wrapped_data(tmp_path, wrapper):
    cfg = Config.fromfile(write_config(tmp_path, ''))
    plain = cfg.train_dataloader.dataset
    parts = dict(times=2, dataset=plain) if wrapper == 'RepeatDataset' else dict(datasets=[plain, plain])
    cfg.train_dataloader.dataset = dict(type=wrapper, **parts)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        loader, dataset = clean_data(cfg)
    inner = loader['dataset'].get('dataset') or loader['dataset']['datasets'][1]
    assert [step['type'] for step in inner['pipeline']] == [s['type'] for s in cfg.val_dataloader.dataset.pipeline]
    torch.testing.assert_close(dataset[0]['inputs'], dataset[len(dataset) // 2]['inputs'])  # nothing random is left
    assert 'RandomCrop' in str(cfg.train_dataloader)


def test_clean_means_without_a_validation_pipeline_are_refused(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path, ''))
    cfg.val_dataloader = None
    with pytest.raises(ValueError, match='need the pipeline of val_dataloader.dataset, got none'):
        clean_data(cfg)


def test_a_warm_up_of_an_unknown_loss_is_refused_before_the_teacher_runs_over_the_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    hooks = "custom_hooks=[dict(type='mmkd_ext.ClassMeansHook'), dict(type='mmkd_ext.LossWarmupHook', loss='x', epochs=1)]"
    assert run(tmp_path, extra(tmp_path) + hooks, 'work')[1] == 2
    assert "A loss of the distiller is needed, got 'x'" in one_error(capsys.readouterr().err)
    assert not (tmp_path / 'class_means').exists()


def test_metrics_that_are_no_numbers_do_not_stop_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metrics = (
        "val_evaluator = [dict(type='Accuracy'), dict(type='ConfusionMatrix'), "
        "dict(type='SingleLabelMetric', average=None)]\n"
    )
    assert run(tmp_path, extra(tmp_path) + ONE_EPOCH + metrics, 'work')[1] == 0
    (log,) = (tmp_path / 'work').glob('*/*.log')
    assert 'teacher/accuracy/top1' in log.read_text()
