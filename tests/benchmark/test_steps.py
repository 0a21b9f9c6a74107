"""Time, memory and size: what is measured, in which order, and that the witness computes the same."""

import json
import threading
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.runs import REPO, write_config
from torch import Tensor, nn
from witnesses.parameter_counts import expected_parameters

from mmkd_ext.benchmark import steps as benchmark
from mmkd_ext.benchmark.steps import Timing, compare_steps, deployed_size
from mmkd_ext.commands import benchmark as tool
from mmkd_ext.models.build import build_model
from mmkd_ext.models.plain_config import plain_config

WITNESS = f'{REPO}/tests/witnesses/naive_teskd.py:build_witness'
TESKD = """
model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3), zero_init_residual=False),
    neck=dict(_delete_=True, type='mmkd_ext.TESKDNeck', in_channels=(4, 8, 16, 32)),
    head=dict(_delete_=True, type='mmkd_ext.TESKDHead', num_classes=10, in_channels=32, feature_weight={weight}))
"""


def config_in(folder: Path, weight: float = 1e-7) -> Path:
    return write_config(folder, TESKD.format(weight=weight))


class Holder(nn.Module):
    """A model whose step keeps `megabytes` until it ends."""

    def __init__(self, megabytes: int, fails: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.megabytes, self.fails = megabytes, fails

    def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
        assert mode == 'loss' and self.training and len(samples) == len(images)
        if self.fails:
            raise RuntimeError('out of memory')
        blocks = [(self.weight * torch.ones(2**18)).exp() for _ in range(self.megabytes)]  # kept for the gradient
        large = (self.weight * torch.ones(self.megabytes * 2**18)).exp()
        return dict(loss_a=large.mean(), loss_b=sum(block.mean() for block in blocks[:1]), accuracy=images.sum())


IMAGES, TARGETS = torch.zeros(2, 3, 4, 4), torch.tensor([1, 0])


def test_networks_take_turns_in_every_round_and_the_first_does_not_count(monkeypatch):
    models = dict(plain=nn.Identity(), ours=nn.ReLU())
    names, steps = {id(model): name for name, model in models.items()}, []
    seconds = iter([9.0] * 4 + [1.0, 2.0, 3.0, 4.0] + [1.1, 2.1, 3.1, 4.1] + [6.0, 7.0, 8.0, 5.0] + [0.0] * 4)

    def step(model: nn.Module, images: Tensor, targets: Tensor, precision: str, clock: object = time.process_time) -> float:
        assert clock is time.process_time
        steps.append((names[id(model)], precision, torch.get_num_threads(), model.training))
        return next(seconds)

    monkeypatch.setattr(benchmark, '_step', step)
    threads = torch.get_num_threads()
    timings = compare_steps({k: m.eval() for k, m in models.items()}, IMAGES, TARGETS, ['float32', 'bfloat16'], 3, 1, time.process_time)
    turn = [(name, precision, 1, True) for precision in ('float32', 'bfloat16') for name in ('plain', 'ours')]
    assert steps == turn * 5  # one that does not count, three, one for the memory
    assert [(t.name, t.precision) for t in timings] == [step[:2] for step in turn]
    assert [t.seconds for t in timings] == [[1.0, 1.1, 6.0], [2.0, 2.1, 7.0], [3.0, 3.1, 8.0], [4.0, 4.1, 5.0]]
    assert [t.median for t in timings] == [1.1, 2.1, 3.1, 4.1]
    assert torch.get_num_threads() == threads


def test_a_median_of_an_even_number_lies_between():
    assert Timing('a', 'float32', [4.0, 1.0, 2.0, 9.0]).median == 3.0


def test_the_peak_is_what_a_step_needs_at_once():
    small, large = compare_steps(dict(small=Holder(1), large=Holder(64)), IMAGES, TARGETS, ['float32'], 1, 1)
    assert 128 < large.peak_mb < 1000 and small.peak_mb < 64  # 64 blocks of 1 MiB and one of 64, each with its input
    assert len(large.seconds) == 1 and large.seconds[0] > 0


def test_a_step_leaves_no_gradient_and_takes_its_precision():
    seen = []

    class Recorder(Holder):
        def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
            seen.append((torch.is_autocast_enabled('cpu'), [int(s.gt_label) for s in samples], self.weight.grad))
            return super().forward(images, samples, mode)

    model = Recorder(1)
    compare_steps(dict(a=model), IMAGES, TARGETS, ['float32', 'bfloat16'], 1, 1)
    assert seen == [(False, [1, 0], None), (True, [1, 0], None)] * 3 and model.weight.grad is None


def test_a_step_that_fails_while_memory_is_watched_leaves_no_thread_behind():
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match='out of memory'):
        benchmark._peak(Holder(1, fails=True).train(), IMAGES, TARGETS, 'float32')
    assert set(threading.enumerate()) <= before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_labels_and_memory_are_those_of_the_images_device(tmp_path):
    model = build_model(Config.fromfile(config_in(tmp_path))).cuda()
    (timing,) = compare_steps(dict(a=model), torch.zeros(4, 3, 8, 8).cuda(), torch.arange(4), ['float32'], 1, 1)
    assert timing.peak_mb > 0


class Parts(nn.Module):
    """One convolution, one layer that runs in training only, one whose weight is used twice and never called."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.helper = nn.Linear(5, 1000)
        self.silent = nn.Linear(5, 7, bias=False)
        self.tied = nn.Linear(5, 7)
        self.tied.weight = self.silent.weight
        self.frozen = nn.Parameter(torch.ones(11), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).mean(dim=(2, 3))
        if self.training:
            x = x + self.helper(x).mean()
        return torch.cat([x @ self.silent.weight.t() + self.tied(x), self.frozen.expand(len(x), -1)], dim=1)


def test_what_did_not_run_does_not_count_and_what_ran_counts_once():
    model = Parts().train()
    parameters, _ = deployed_size(model, (3, 6, 4))
    assert parameters == 5 * 3 * 9 + 5 + 5 * 7 + 7 + 11
    assert model.training and not model.frozen.requires_grad and model.conv.weight.grad is None


def test_multiply_adds_are_those_of_arithmetic():
    convolution = nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=2, padding=1, bias=False), nn.Flatten(), nn.Linear(6 * 4 * 3, 5)
    )
    assert deployed_size(convolution, (2, 8, 6)) == (2 * 6 * 9 + 72 * 5 + 5, 2 * 6 * 9 * 4 * 3 + 72 * 5)


def test_the_deployed_network_is_the_plain_one_until_its_students_are_asked_for(tmp_path):
    cfg = Config.fromfile(config_in(tmp_path))
    plain = deployed_size(build_model(plain_config(cfg)), (3, 16, 16))
    assert deployed_size(build_model(cfg), (3, 16, 16)) == plain
    cfg.model.neck.eval_students = True
    parameters, flops = deployed_size(build_model(cfg), (3, 16, 16))
    assert parameters == plain[0] and flops > plain[1]  # the prediction does not need them, yet they run


def paired(ours: nn.Module, witness: nn.Module, rng: torch.Generator) -> None:
    """One set of weights for both, none at its start; both name the students' parts in one order."""
    mine = {k: v for k, v in ours.state_dict().items() if not k.startswith(('backbone.', 'head.', 'data_'))}
    theirs = {k: v for k, v in witness.students.state_dict().items() if not k.startswith(('classifiers.', 'fc.'))}
    pairs = [*zip(mine.values(), theirs.values(), strict=True)]
    pairs += zip(ours.backbone.state_dict().values(), witness.backbone.state_dict().values(), strict=True)
    pairs += zip(
        ours.head.students.state_dict().values(), witness.students.classifiers.state_dict().values(), strict=True
    )
    pairs += zip(ours.head.fc.state_dict().values(), witness.students.fc.state_dict().values(), strict=True)
    for a, b in pairs:
        assert a.shape == b.shape
        if a.is_floating_point():
            a += 0.05 * torch.rand(a.shape, generator=rng)  # positive: a variance stays one
            b.copy_(a)


def total_loss(model: nn.Module, images: Tensor, targets: Tensor, bfloat16: bool) -> Tensor:
    from mmpretrain.structures import DataSample

    samples = [DataSample().set_gt_label(int(target)) for target in targets]
    with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16):
        losses = model(images, samples, mode='loss')
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    return total.detach()


def test_the_witness_computes_the_same_loss_and_gradients_in_both_precisions(tmp_path, rng):
    cfg = Config.fromfile(config_in(tmp_path, weight=1e-7))
    torch.manual_seed(0)
    ours, witness = build_model(cfg).train(), tool.load_witness(WITNESS)(cfg).train()
    with torch.no_grad():
        paired(ours, witness, rng)
    images, targets = torch.randn(16, 3, 16, 16, generator=rng), torch.randint(10, (16,), generator=rng)
    totals, gradients = {}, {}
    for bfloat16 in (False, True):
        for name, model, backbone in (('ours', ours, ours.backbone), ('witness', witness, witness.backbone)):
            model.zero_grad()
            totals[name, bfloat16] = total_loss(model, images, targets, bfloat16)
            gradients[name, bfloat16] = backbone.conv1.weight.grad.clone()
    torch.testing.assert_close(totals['ours', False], totals['witness', False], rtol=1e-4, atol=0)
    torch.testing.assert_close(gradients['ours', False], gradients['witness', False], rtol=1e-2, atol=1e-4)
    assert totals['ours', True].dtype == torch.float32  # losses are, under autocast too
    # bfloat16 rounds by up to 0.4 %: once per layer, which averages out; the witness rounds its sums too, about five times.
    for name, tolerance in (('ours', 0.01), ('witness', 0.04)):
        torch.testing.assert_close(totals[name, True].float(), totals['witness', False], rtol=tolerance, atol=0)


def multiply_adds() -> int:
    """Of the narrow network on 8 px: 3x3 convolutions at 8, 4, 2, 1 px, the projections, the classifier."""
    total = 3 * 4 * 9 * 64 + 4 * (4 * 4 * 9 * 64) + 32 * 10
    for width, area in ((8, 16), (16, 4), (32, 1)):
        total += (width // 2 * width * 9 + 3 * width * width * 9 + width // 2 * width) * area
    return total


def test_the_tool_prints_and_writes_every_network_at_every_precision(tmp_path, capsys):
    out = tmp_path / 'new' / 'figures.json'
    config = config_in(tmp_path)
    arguments = ['--witness', WITNESS, '--out', str(out), '--rounds', '2', '--batch-size', '6', '--device', 'cpu']
    assert tool.main([str(config), *arguments]) == 0
    rows = json.loads(out.read_text())
    keys = [(row['network'], row['precision']) for row in rows]
    assert keys == [(n, p) for p in ('float32', 'bfloat16') for n in ('plain', 'ours', 'ours, bf16 students', 'witness')]
    assert all(len(row['all']) == 2 and min(row['all']) > 0 for row in rows)
    lines = capsys.readouterr().out.splitlines()
    assert 'batch 6, 8 px, cpu' in lines[0]
    plain, ours, half, witness = ([int(n.replace(',', '')) for n in line[22:].split()] for line in lines[2:6])
    assert plain == ours == half == [expected_parameters('plain', 18, 4) + 330, multiply_adds()]
    assert witness[0] == plain[0] and witness[1] > 2 * plain[1]  # its students run at test time
    of_witness = [line.split(' | ') for line in lines[8:] if line.startswith('| witness')]
    assert [row[3] for row in of_witness] == ['1.00', '1.00']  # relative to itself


def test_waiting_is_no_cpu_time():
    class Sleeper(Holder):
        def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
            time.sleep(0.2)
            return super().forward(images, samples, mode)

    for clock, longer in ((time.perf_counter, True), (time.process_time, False)):
        (timing,) = compare_steps(dict(a=Sleeper(1)), IMAGES, TARGETS, ['float32'], 1, 1, clock)
        assert (timing.median > 0.2) is longer
