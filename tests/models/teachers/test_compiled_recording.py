"""A compiled teacher: the same answers, and never a stop where the compiler fails."""

import functools
import warnings

import pytest
import torch

from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher

SPEC = dict(model='cifar/resnet8', num_classes=10, checkpoint=None, allow_random=True)


def teacher(**kwargs):
    torch.manual_seed(0)
    return FrozenTeacher({**SPEC, 'options': dict(backbone=dict(out_indices=(1, 2, 3))), **kwargs})


@pytest.fixture
def images(rng):
    return torch.randn(3, 3, 16, 16, generator=rng)


def test_a_compiled_teacher_says_the_same_in_every_batch_size(images, monkeypatch):
    # The tracing is ours to get right; writing and compiling C++ for it is torch's, and takes half a minute.
    monkeypatch.setattr(torch, 'compile', functools.partial(torch.compile, backend='aot_eager'))
    plain, compiled = teacher(), teacher(compile=True)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the compiler's own
        compiled(images[:1], once=True)
        for batch in (images, images + 1, images[:2]):
            torch.testing.assert_close(compiled(batch), plain(batch), rtol=1e-4, atol=1e-5)
    assert not compiled.runs_eagerly


def test_a_compiler_that_fails_costs_one_warning(images, monkeypatch):
    def no_compiler(function):
        def call(*args):
            function(*args)  # it may fail after the pass has been seen
            raise RuntimeError('no g++\nand a long story')

        return call

    monkeypatch.setattr(torch, 'compile', no_compiler)
    said = []
    monkeypatch.setattr('mmkd_ext.models.teachers.compiled_recording.print_log', lambda text, *_: said.append(text))
    compiled = teacher(compile=True)
    for batch in (images, images + 1):
        outputs = compiled(batch)
        assert isinstance(outputs, Outputs)
        torch.testing.assert_close(outputs, teacher()(batch), rtol=0, atol=0)
    assert compiled.runs_eagerly
    (text,) = said
    assert text.startswith('The teacher cifar/resnet8 runs without torch.compile, which failed: RuntimeError: no g++.')
