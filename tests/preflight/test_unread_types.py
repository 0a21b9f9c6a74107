"""What the runner looks up only in a run of several processes is looked at before a run of one."""

import pytest
from mmengine.config import Config
from support.distillation_runs import extra
from support.runs import one_error, one_thread, write_config

from mmkd_ext.commands import train
from mmkd_ext.explain.sentences import sentence
from mmkd_ext.preflight.unread_types import check_unread_types

KNOWN = [
    {}, dict(model_wrapper_cfg=None), dict(model_wrapper_cfg=dict(find_unused_parameters=True)), dict(sync_bn='torch'), dict(sync_bn=None),
    dict(model_wrapper_cfg=dict(type='MMDistributedDataParallel', device_ids=None)), dict(env_cfg=dict(dist_cfg=dict(backend='gloo'))),
    dict(env_cfg=dict(dist_cfg=dict(backend='cpu:gloo,cuda:nccl'))), dict(env_cfg=dict(mp_cfg=None, dist_cfg=None)), dict(env_cfg=None),
    dict(train_dataloader=dict(collate_fn=dict(type='pseudo_collate')), val_dataloader=None)]
WRONG = [
    (dict(train_dataloader=dict(collate_fn=dict(type='no_collate'))), 'no_collate'),
    (dict(val_dataloader=dict(worker_init_fn=dict(type='no_init'))), 'no_init'),
    (dict(model_wrapper_cfg=dict(type='NoWrapper')), 'NoWrapper'), (dict(model_wrapper_cfg=dict(type='mmdet.NoWrapper')), 'NoWrapper'),
    (dict(model_wrapper_cfg=dict(type=3)), 'model_wrapper_cfg.type'), (dict(sync_bn='sync'), "sync_bn needs to be 'torch', 'mmcv'"),
    (dict(sync_bn=True), 'got True'), (dict(env_cfg=dict(dist_cfg=dict(backend='ncl'))), "gloo.*got 'ncl'"),
    (dict(env_cfg=dict(dist_cfg=dict(backend=1))), 'got 1'), (dict(env_cfg=dict(dist_cfg=5)), 'env_cfg.dist_cfg, got 5'),
    (dict(env_cfg=dict(mp_cfg='fork')), 'env_cfg.mp_cfg')]


@pytest.mark.parametrize('cfg', KNOWN)
def test_known_words_are_taken(cfg):
    check_unread_types(Config(cfg))


@pytest.mark.parametrize(('cfg', 'said'), WRONG)
def test_others_are_one_sentence(cfg, said):
    with pytest.raises((ValueError, KeyError), match=said) as caught:
        check_unread_types(Config(cfg))
    assert said.rpartition('.*')[2] in sentence(caught.value)


@pytest.mark.parametrize('line', [
    "model_wrapper_cfg = dict(type='NoWrapper')", "runner_type = 'NoRunner'", "log_processor = dict(type='NoProcessor')",
    "visualizer = dict(type='NoVisualizer')", "visualizer = dict(vis_backends=[dict(type='NoBackend')])",
    "train_dataloader = dict(sampler=dict(type='NoSampler'))", "train_dataloader = dict(batch_sampler=dict(type='NoBatches'))",
    "train_dataloader = dict(collate_fn=dict(type='no_collate'))", "train_dataloader = dict(worker_init_fn=dict(type='no_init'))",
    "optim_wrapper = dict(type='NoWrapper')", "optim_wrapper = dict(constructor='NoConstructor')",
    "train_cfg = dict(_delete_=True, type='NoLoop')",
    "val_cfg = dict(type='NoLoop')", "custom_hooks = [dict(type='NoHook')]", "default_hooks = dict(timer=dict(type='NoHook'))",
    "param_scheduler = dict(type='NoLR')", "default_scope = 'noscope'", "compile = dict(backend='nobackend')"])
def test_a_type_that_nobody_knows_ends_before_the_run(tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    with one_thread():
        code = train.main([str(write_config(tmp_path, extra(tmp_path) + line + '\n')), '--work-dir', 'work'])
    said = one_error(capsys.readouterr().err)
    assert code == 2 and line.rpartition("='")[2].rpartition(" = '")[2].partition("'")[0] in said, said
    assert not list((tmp_path / 'work').glob('*.pth'))
