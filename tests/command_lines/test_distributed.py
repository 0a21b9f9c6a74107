"""Several processes: the launchers, and that two of them compute what one does."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from support.copies import in_copy, in_two_ranks
from support.distillation_runs import extra, twelve_classes
from support.gloo import one_process, two_processes
from support.runs import REPO, environment, losses, one_error, run, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import test, train
from tools import dist_launch

DIST_TRAIN, DIST_TEST = REPO / 'tools/dist_train.sh', REPO / 'tools/dist_test.sh'
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without a GPU: this is about gloo')


def classifier(norm):
    return dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(3,), norm_cfg=norm),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=32, loss=dict(type='CrossEntropyLoss')),
    )


def test_two_processes_give_the_loss_and_gradients_of_one(rng):
    inputs, labels = torch.randn(6, 3, 8, 8, generator=rng, dtype=torch.float64), torch.randint(10, (6,), generator=rng)
    model = classifier(dict(type='GN', num_groups=2))
    (terms, gradients), (joint_terms, joint_gradients) = (
        f(model, inputs, labels) for f in (two_processes, one_process)
    )
    torch.testing.assert_close(terms, joint_terms)
    torch.testing.assert_close(gradients, joint_gradients)
    assert min(value.abs().max() for value in joint_gradients.values()) > 0


def port() -> str:
    import socket

    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return str(free.getsockname()[1])


@no_gpu
def test_dist_train_and_dist_test_run_a_config(tmp_path):
    config = write_config(tmp_path, 'train_cfg = dict(max_epochs=1)')
    trained = run(DIST_TRAIN, config, 2, '--work-dir', 'work', '--amp', cwd=tmp_path, PORT=port())
    assert trained.returncode == 0, trained.stderr
    assert len(losses(tmp_path / 'work')[0]) == 3  # 160 images in batches of 32 on 2 processes
    assert '2 processes over gloo' in trained.stdout and 'bfloat16 autocast' in trained.stdout
    words = (config, 'work/epoch_1.pth', '--work-dir', 'work')
    tested = run(DIST_TEST, *words[:2], 1, *words[2:], cwd=tmp_path, PORT=port())
    assert tested.returncode == 0, tested.stderr
    both = in_two_ranks(test.main, *words, cwd=tmp_path, port=port())
    assert [each.returncode for each in both] == [0, 0], both
    for said in (tested.stdout, both[0].stdout + both[1].stdout):
        assert said.count('metric ') == 1 and 'accuracy/top1' in said.split('metric ')[1]


# What a rank does, with the processes joined as a training joins them, but without the networks, whose imports take seconds.
RANK = """
import os, sys, time
import torch
from mmkd_ext.errors import PreflightError
from mmkd_ext.running.command_line import run_checked

def job():
    torch.distributed.init_process_group('gloo')
    while True:
        torch.distributed.all_reduce(torch.ones(1))
        {work}

sys.exit(run_checked(job))
"""


@no_gpu
def test_when_one_worker_is_killed_the_others_end_within_a_minute(tmp_path):
    script = tmp_path / 'rank.py'
    script.write_text(RANK.format(work="open(f'alive{os.getpid()}', 'w').close(); time.sleep(0.02)"))
    with subprocess.Popen(
        [sys.executable, dist_launch.__file__, '2', script], cwd=tmp_path, env=environment(PORT=port()),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as launcher:  # fmt: skip
        try:
            until(lambda: len(list(tmp_path.glob('alive*'))) == 2, 90)
            workers = [
                int(pid) for pid in Path(f'/proc/{launcher.pid}/task/{launcher.pid}/children').read_text().split()
            ]
            assert sorted(path.name for path in tmp_path.glob('alive*')) == sorted(f'alive{pid}' for pid in workers)
            os.kill(workers[1], signal.SIGKILL)
            said = launcher.communicate(timeout=60)[1].decode()
        finally:
            launcher.kill()
    assert launcher.returncode == 1
    assert 'error: All 2 processes need to end well, got signal 9 from rank 1' in said
    until(lambda: not any(Path(f'/proc/{pid}').exists() for pid in workers), 5)


def until(reached, seconds):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f'not reached within {seconds} s'
        time.sleep(0.2)


@no_gpu
def test_an_error_on_every_rank_is_said_once(tmp_path):
    script = tmp_path / 'rank.py'
    script.write_text(RANK.format(work="raise PreflightError('Ten classes are needed, got 7.')"))
    ended = run(dist_launch.__file__, 2, script, cwd=tmp_path, PORT=port())
    assert ended.returncode == 2
    assert one_error(ended.stderr) == 'error: Ten classes are needed, got 7.'


@pytest.fixture
def ranks_do_not_wait(monkeypatch):
    """For the launcher, which there is none in copies, to end them before they repeat what rank 0 has said."""
    monkeypatch.setattr('mmkd_ext.running.command_line._wait', lambda seconds: None)


@no_gpu
@pytest.mark.usefixtures('ranks_do_not_wait')
def test_every_rank_of_a_training_finds_what_is_wrong_with_its_config(tmp_path):
    config = write_config(tmp_path, 'model = dict(head=dict(num_classes=7))')
    first, second = in_two_ranks(train.main, config, '--work-dir', 'work', cwd=tmp_path, port=port())
    assert first.returncode == second.returncode == 2
    assert 'num_classes=7' in one_error(first.stderr) and one_error(second.stderr).startswith('error: [rank 1] ')


@no_gpu
@pytest.mark.usefixtures('ranks_do_not_wait')
def test_sync_bn_on_cpus_is_one_sentence_that_names_its_place(tmp_path):
    config = write_config(tmp_path, "model = dict(backbone=dict(norm_cfg=dict(type='SyncBN')))")
    first, second = in_two_ranks(train.main, config, '--work-dir', 'work', cwd=tmp_path, port=port())
    assert first.returncode == second.returncode == 2 and 'error: [rank 1] SyncBN' in second.stderr
    text = one_error(first.stderr)
    assert 'SyncBN needs GPUs, got CPU' in text and 'model.backbone.bn1' in text and "'BN' or 'GN'" in text
    assert not list((tmp_path / 'work').rglob('*.pth'))


@pytest.mark.parametrize(
    ('devices', 'kind', 'gpus', 'accepted'),
    [
        (1, 'CPU cores and no GPU', '1', True),
        (1, 'CPU cores and no GPU', '2', True),
        (1, 'CPU cores and no GPU', '3', False),
        (4, 'CPU cores and no GPU', '4', True),
        (4, 'CPU cores and no GPU', '5', False),
        (1, 'GPUs', '2', False),
        (2, 'GPUs', '2', True),
    ],
)
def test_two_processes_may_share_a_core_and_none_a_gpu(monkeypatch, capsys, devices, kind, gpus, accepted):
    monkeypatch.setattr(dist_launch, 'count_devices', lambda: (devices, kind))
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '1')
    if not accepted:
        with pytest.raises(ValueError, match=f'{gpus} processes need {gpus} devices .* got {devices} {kind}'):
            dist_launch.check(gpus)
        return
    assert dist_launch.check(gpus) == int(gpus)
    assert ('take turns on 1 CPU' in capsys.readouterr().err) == (int(gpus) > devices)


@pytest.mark.parametrize(
    ('variables', 'said'),
    [
        (dict(NNODES='two'), "NNODES needs to be a whole number of 1 or more, got 'two'"),
        (dict(NNODES='0'), 'NNODES'),
        (dict(NODE_RANK='-1'), 'NODE_RANK'),
        (dict(NODE_RANK='1'), '0..0, since NNODES=1, got 1'),
        (dict(PORT='http'), "0 to 65535, got 'http'"),
        (dict(PORT='70000'), 'PORT'),
    ],
    ids=str,
)
def test_machines_that_cannot_be_are_one_sentence(monkeypatch, capsys, variables, said):
    monkeypatch.setattr(dist_launch, 'launch', None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert dist_launch.main(['1', 'absent.py']) == 2
    assert said in one_error(capsys.readouterr().err)


def test_no_number_at_all_is_one_sentence(capsys):
    assert dist_launch.main([]) == 2
    assert "got ''" in one_error(capsys.readouterr().err)


@pytest.mark.parametrize('script', [DIST_TRAIN, DIST_TEST], ids=lambda path: path.name)
@pytest.mark.parametrize(
    ('gpus', 'said'),
    [
        ('99', '99 processes need 99 devices'),
        ('0', "1 or more, got '0'"),
        ('two', "1 or more, got 'two'"),
        (None, 'arguments are needed'),
    ],
)
def test_a_number_of_gpus_that_cannot_be_ends_before_anything_starts(tmp_path, script, gpus, said):
    arguments = ['absent.py', *(['absent.pth'] if script is DIST_TEST else []), *([gpus] if gpus else [])]
    ended = run(script, *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert said in one_error(ended.stderr) and len(ended.stderr.splitlines()) == 1 and not ended.stdout


def test_slurm_train_passes_its_arguments_on(tmp_path):
    (tmp_path / 'srun').write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / 'srun').chmod(0o755)
    ended = run(
        REPO / 'tools/slurm_train.sh',
        'part',
        'job',
        'a config.py',
        'work',
        '--amp',
        cwd=tmp_path,
        PATH=f'{tmp_path}:{os.environ["PATH"]}',
        GPUS='4',
    )
    words = ended.stdout.splitlines()
    assert words[-5:] == ['a config.py', '--launcher', 'slurm', '--work-dir=work', '--amp']
    assert {'--ntasks=4', '--gres=gpu:4', '--job-name=job', '--kill-on-bad-exit=1'} <= set(words)


@no_gpu
def test_two_processes_make_the_class_means_and_the_teachers_accuracy_of_one(tmp_path):
    text = extra(tmp_path).replace("type='mmkd_ext.ClassMeansHook'", "type='mmkd_ext.ClassMeansHook', clean=True")
    # Odd numbers of images: neither process's share may be filled up with another's.
    text += "train_dataloader['dataset'].update(indices=37)\nval_dataloader['dataset'].update(indices=23)\n"
    config = write_config(tmp_path, text)
    short = ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler.end=1']
    found = {}
    for name, start in (('one', in_copy), ('two', partial(in_two_ranks, port=port()))):
        done = start(train.main, config, '--work-dir', f'{name}/work', *short, cwd=tmp_path)
        assert [each.returncode for each in (done if name == 'two' else [done])] == [0] * (2 if name == 'two' else 1), done
        (file,) = (tmp_path / name / 'class_means').glob('*.pth')
        (log,) = (tmp_path / name / 'work').glob('*/vis_data/scalars.json')
        scores = [json.loads(line).get('teacher/accuracy/top1') for line in log.read_text().splitlines()]
        found[name] = read_checkpoint(file), [score for score in scores if score is not None]
    (one, of_one), (two, of_two) = found['one'], found['two']
    torch.testing.assert_close(two['class_means'], one['class_means'], rtol=1e-6, atol=1e-9)  # other batches of float32
    assert torch.equal(two['counts'], one['counts']) and int(two['counts'].sum()) == 37
    assert of_one == of_two and len(of_one) == 1


@no_gpu
def test_two_processes_warn_once_of_classes_that_never_occur(tmp_path):
    config = twelve_classes(tmp_path)
    short = ('--cfg-options', 'train_cfg.max_epochs=1', 'custom_hooks.0.file=means.pth')
    both = in_two_ranks(train.main, config, '--work-dir', 'two', *short, cwd=tmp_path, port=port())
    assert [each.returncode for each in both] == [0, 0], both
    assert ''.join(each.stdout + each.stderr for each in both).count('has no sample of 2 of 12 classes: 10 (owl), 11 (emu)') == 1
    found = read_checkpoint(tmp_path / 'two/means.pth')
    assert found['counts'].tolist() == [4] * 10 + [0] * 2
    assert found['class_means'].isfinite().all(dim=1).tolist() == [True] * 10 + [False] * 2
