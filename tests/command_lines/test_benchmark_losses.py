"""The table of losses' times, beside a loop that computes the same."""

import torch
from support.runs import REPO

from mmkd_ext.commands import benchmark_losses
from mmkd_ext.losses import nd_loss
from mmkd_ext.running.witness import load_witness


def test_the_losses_table_compares_with_a_loop_that_computes_the_same(capsys, rng):
    loop = load_witness(f'{REPO}/tests/witnesses/naive_nd_loop.py:nd_loss')
    student, teacher = torch.randn(2, 5, 4, generator=rng, dtype=torch.float64)
    target, means = torch.tensor([0, 2, 1, 1, 0]), torch.randn(3, 4, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(nd_loss(student, teacher, target, means), loop(student, teacher, target, means))
    sizes = ['--samples', '8', '--channels', '6', '--classes', '5', '--rounds', '1']
    assert benchmark_losses.main([*sizes, '--witness', f'{REPO}/tests/witnesses/naive_nd_loop.py:nd_loss']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('N 8, D 6, K 5') and lines[-2].endswith('| 1.0 |')
    assert [line.split(' | ')[0] for line in lines[3:]] == [
        '| kd_loss', '| dkd_loss', '| dist_loss', '| hcl_loss (64 x 8 x 8)', '| nd_loss', '| nd_loss, witness']
