"""A run with masks and projections is resumed to the last bit, and what they train is not shipped."""

import torch
from support.distillation_runs import extra, run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student

LOSSES = """
model['losses'] = dict(
    mgd=dict(type='mmkd_ext.MGDLoss', mask_ratio=0.5, loss_weight=1e-4), vkd=dict(type='mmkd_ext.VkDLoss'),
    pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=0.1), cwd=dict(type='mmkd_ext.CWDLoss', tau=2.0),
    ttm=dict(type='mmkd_ext.TTMLoss', gamma=0.5, weighted=True))
custom_hooks = [dict(type='mmkd_ext.EpochSeedHook')]
"""


def test_a_resumed_run_draws_the_masks_that_it_would_have_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + LOSSES
    config, code = run(tmp_path, text, 'whole', '--cfg-options', 'train_cfg.max_epochs=2')
    assert code == 0, capsys.readouterr().err
    state = read_checkpoint(tmp_path / 'whole/epoch_2.pth')['state_dict']
    trained = {key for key in state if key.startswith('distill.')}
    assert {key.split('.')[1] for key in trained} == {'mgd', 'vkd', 'pkd', 'cwd'}
    assert state['distill.vkd.projection.weight'].ndim == 2
    assert run(tmp_path, text, 'parts', '--cfg-options', 'train_cfg.max_epochs=1')[1] == 0
    config, code = run(tmp_path, text, 'parts', '--resume', '--cfg-options', 'train_cfg.max_epochs=2')
    assert code == 0, capsys.readouterr().err
    again = read_checkpoint(tmp_path / 'parts/epoch_2.pth')['state_dict']
    assert again.keys() == state.keys()
    assert [key for key, value in state.items() if not torch.equal(again[key], value)] == []
    assert export_student.main([str(config), str(tmp_path / 'whole/epoch_2.pth'), str(tmp_path / 'out/net.pth')]) == 0
    assert read_checkpoint(tmp_path / 'out/net.pth')['state_dict'].keys() == set(state) - trained
