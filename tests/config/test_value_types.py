"""A word where True, False or a number belongs is refused before the run; what may be a word stays."""

from pathlib import Path

import pytest
from mmengine.config import Config
from support.runs import REPO, one_error, write_config

from mmkd_ext.commands import test as test_tool
from mmkd_ext.commands import train
from mmkd_ext.config.cfg_options import merge_options
from mmkd_ext.config.load_config import load_config
from mmkd_ext.config.value_types import check_value_types

WORDS = {
    'train_dataloader.sampler.shuffle=maybe': 'True or False',
    'train_dataloader.drop_last=perhaps': 'True or False',
    'train_dataloader.persistent_workers=never': 'True or False',
    'val_dataloader.pin_memory=often': 'True or False',
    'train_dataloader.num_workers=two': 'umber',
    'train_dataloader.dataset.samples_per_class=many': 'umber',
    'train_dataloader.dataset.test_mode=soon': 'True or False',
    'optim_wrapper.optimizer.nesterov=maybe': 'True or False',
    'optim_wrapper.optimizer.lr=high': 'umber',
    'optim_wrapper.accumulative_counts=two': 'umber',
    'optim_wrapper.paramwise_cfg.bypass_duplicate=maybe': 'True or False',
    'optim_wrapper.clip_grad.max_norm=small': 'umber',
    'default_hooks.checkpoint.save_last=maybe': 'True or False',
    'default_hooks.checkpoint.interval=often': 'umber',
    'default_hooks.logger.interval=often': 'umber',
    'default_hooks.visualization.enable=maybe': 'True or False',
    'default_hooks.invalid_loss.interval=often': 'umber',
    'param_scheduler.by_epoch=maybe': 'True or False',
    'randomness.deterministic=maybe': 'True or False',
    'randomness.diff_rank_seed=maybe': 'True or False',
    'env_cfg.cudnn_benchmark=maybe': 'True or False',
    'log_processor.window_size=wide': 'umber',
    'auto_scale_lr.enable=maybe': 'True or False',
    'train_cfg.max_epochs=three': 'umber',
    'train_cfg.by_epoch=maybe': 'True or False',
    'find_unused_parameters=maybe': 'True or False',
    'model.backbone.deep_stem=maybe': 'True or False',
    'model.backbone.norm_eval=maybe': 'True or False',
    'model.backbone.norm_cfg.requires_grad=maybe': 'True or False',
    'model.head.cal_acc=maybe': 'True or False',
    'model.head.loss.use_soft=maybe': 'True or False',
    'model.head.loss.loss_weight=heavy': 'umber',
    'data_preprocessor.to_rgb=maybe': 'True or False',
    'data_preprocessor.mean=[a,b,c]': 'umber',
    'val_evaluator.topk=best': 'umber',
}  # fmt: skip
DISTILLED = {
    'model.losses.kd.tau=hot': 'umber',
    'model.losses.kd.loss_weight=heavy': 'umber',
    'model.teacher.allow_random=maybe': 'True or False',
    'model.teacher.compile=maybe': 'True or False',
    'model.student.head.cal_acc=maybe': 'True or False',
    'custom_hooks.0.clean=maybe': 'True or False',
}


def options(*words: str) -> list[str]:
    return ['--cfg-options', *words]


@pytest.mark.parametrize(('word', 'needed'), WORDS.items(), ids=WORDS)
def test_a_word_where_another_kind_belongs_is_named_before_the_run(tmp_path, monkeypatch, capsys, word, needed):
    monkeypatch.chdir(tmp_path)
    base = "model = dict(backbone=dict(norm_cfg=dict(type='BN')))\noptim_wrapper = dict(clip_grad=dict(max_norm=1.), paramwise_cfg=dict())"
    assert train.main([str(write_config(tmp_path, base)), '--work-dir', 'work', *options(word)]) == 2
    key = word.partition('=')[0]
    text = one_error(capsys.readouterr().err)
    assert needed in text and f'Look at {key} in the config or in --cfg-options' in text, text
    assert not Path('work').exists()


@pytest.mark.parametrize(('word', 'needed'), DISTILLED.items(), ids=DISTILLED)
def test_of_a_distiller_too(word, needed):
    path = REPO / 'configs/nd_loss/kdpp_resnet8_resnet20x2_digits.py'
    cfg = load_config(str(path))
    cfg.custom_hooks = [dict(type='mmkd_ext.ClassMeansHook', clean=False)]
    key, _, value = word.partition('=')
    with pytest.raises(ValueError, match=f'{needed}.*got {key.rpartition(".")[2]}=.*Look at {key}'):
        merge_options(cfg, {key: value}, path)


def test_in_a_test_run_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    assert test_tool.main([str(config), 'absent.pth', *options('test_dataloader.sampler.shuffle=maybe')]) == 2
    assert 'Look at test_dataloader.sampler.shuffle' in one_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    'part', [
        dict(model=dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=50, style='caffe'))),
        dict(model=dict(type='ImageClassifier', neck=dict(type='GeneralizedMeanPooling', mode='const', p=3.))),
        dict(model=dict(type='ImageClassifier', backbone=dict(type='VisionTransformer', arch='b', out_type='cls_token'))),
        dict(optim_wrapper=dict(type='AmpOptimWrapper', loss_scale='dynamic')),
        dict(default_hooks=dict(checkpoint=dict(type='CheckpointHook', save_best='auto', interval=1))),
        dict(model=dict(type='CAE', backbone=dict(type='CAEPretrainViT', bias='qv_bias'))),
        dict(anything=dict(shuffle='maybe')),
        dict(model=dict(type='SomebodysOwn', shuffle='maybe')),
        dict(optim_wrapper=dict(clip_grad=dict(max_norm=1, norm_type='inf'))),
    ])
def test_what_may_be_a_word_is_taken(part):
    check_value_types(Config({'default_scope': 'mmpretrain', **part}))


def test_the_repository_s_configs_are_taken():
    paths = sorted(path for path in (REPO / 'configs').rglob('*.py') if '_base_' not in path.parts)
    assert len(paths) > 150
    for path in paths[::6]:
        check_value_types(load_config(str(path)))
