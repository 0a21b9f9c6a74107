"""Several processes: the launchers, and that two of them compute what one does."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from test_tools.gloo import one_process, two_processes
from test_tools.runs import REPO, environment, losses, one_error, run, write_config

DIST_TRAIN, DIST_TEST = REPO / 'tools/dist_train.sh', REPO / 'tools/dist_test.sh'
CORES = len(os.sched_getaffinity(0))
two_cores = pytest.mark.skipif(
    CORES < 2 or torch.cuda.is_available(), reason='needs two CPU cores and no GPU: this is about gloo'
)


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


@two_cores
def test_dist_train_and_dist_test_run_a_config(tmp_path):
    config = write_config(tmp_path, 'train_cfg = dict(max_epochs=1)')
    trained = run(DIST_TRAIN, config, 2, '--work-dir', 'work', '--amp', cwd=tmp_path, PORT=port())
    assert trained.returncode == 0, trained.stderr
    assert len(losses(tmp_path / 'work')[0]) == 3  # 160 images in batches of 32 on 2 processes
    assert '2 processes over gloo' in trained.stdout and 'bfloat16 autocast' in trained.stdout
    tested = run(DIST_TEST, config, 'work/epoch_1.pth', 2, '--work-dir', 'work', cwd=tmp_path, PORT=port())
    assert tested.returncode == 0, tested.stderr
    assert tested.stdout.count('metric ') == 1 and 'accuracy/top1' in tested.stdout.split('metric ')[1]


@two_cores
def test_when_one_worker_is_killed_the_others_end_within_a_minute(tmp_path):
    config = write_config(tmp_path, 'train_cfg = dict(max_epochs=10000)')
    with subprocess.Popen(
        [DIST_TRAIN, config, '2', '--work-dir', 'work'],
        cwd=tmp_path,
        env=environment(PORT=port()),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as launcher:
        try:
            until(lambda: len(losses(tmp_path / 'work')[0]) > 5 if losses(tmp_path / 'work') else False, 90)
            workers = [
                int(pid) for pid in Path(f'/proc/{launcher.pid}/task/{launcher.pid}/children').read_text().split()
            ]
            assert len(workers) == 2
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


@two_cores
def test_an_error_on_every_rank_is_said_once(tmp_path):
    config = write_config(tmp_path, 'model = dict(head=dict(num_classes=7))')
    ended = run(DIST_TRAIN, config, 2, '--work-dir', 'work', cwd=tmp_path, PORT=port())
    assert ended.returncode == 2
    assert 'num_classes=7' in one_error(ended.stderr)


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
