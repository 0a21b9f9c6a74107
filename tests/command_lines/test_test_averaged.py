"""What is tested is what the checkpoint holds, also with augmented tests and hooks that average weights."""

import mmengine
import pytest
import torch
from support.distillation_runs import extra
from support.runs import one_thread, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import test, train


@pytest.mark.parametrize('kind', ['EMAHook', 'mmpretrain.EMAHook'])
def test_an_average_of_weights_is_tested_as_the_checkpoint_holds_it(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    hook = f"custom_hooks = [dict(type='{kind}', momentum=0.5)]\n"
    with one_thread():
        config = write_config(tmp_path, f'train_cfg = dict(max_epochs=1)\n{hook}')
        assert train.main([str(config), '--work-dir', 'work']) == 0
        torch.save(dict(state_dict=read_checkpoint('work/epoch_1.pth')['state_dict']), 'bare.pth')
        for option in ((), ('--tta',)):
            bare = scores(write_config(tmp_path), 'bare.pth', *option)
            torch.testing.assert_close(scores(write_config(tmp_path, hook), 'work/epoch_1.pth', *option), bare)


def scores(config, checkpoint, *options):
    assert test.main([str(config), checkpoint, *options, '--out', 'said.pkl', '--work-dir', 'test']) == 0
    return torch.stack([sample['pred_score'] for sample in mmengine.load('said.pkl')])


def test_augmented_tests_need_no_teacher_and_take_options_of_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, extra(tmp_path))
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work', '--cfg-options', 'train_cfg.max_epochs=1']) == 0
        (tmp_path / 'teacher0.pth').unlink()
        args = [str(config), 'work/epoch_1.pth', '--work-dir', 'test', '--tta']
        assert test.main([*args, '--cfg-options', 'model.student.head.topk=(1,)']) == 0
        assert test.main([*args, '--show-dir', 'shown']) == 0
    assert list((tmp_path / 'shown').glob('*.png'))
