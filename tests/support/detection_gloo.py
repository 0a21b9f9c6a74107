"""A distilled detector or segmentor in two processes over gloo, each with images of its own."""

import socket

import pytest
import torch
from mmengine.registry import MODEL_WRAPPERS, DefaultScope
from support.detection import pair, raw, read, tiny
from support.two_ranks import start_two

from mmkd_ext.registry import MODELS
from mmkd_ext.running.launch import cpu_wrapper


def together():
    """Two detectors and their teacher that train together."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(dict(
            type='mmkd_ext.TwoStageMutualLearningDistiller', students=dict(a=tiny(), b=tiny(embedding=24)), teacher=tiny(width=16),
            input_size=64, data_preprocessor=tiny()['data_preprocessor'],
            losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0), ml=dict(type='mmkd_ext.MutualLearningLoss'))))  # fmt: skip


def network(mutual=False, make=pair):
    """A distiller with the same weights in every process; no residual branch starts at zero."""
    model = (together() if mutual else make()).train()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model


def boxes(model, rng):
    return read(model, raw(rng))


def step(model, rank, given=boxes):
    """Terms and gradients of a process's own images."""
    bare = getattr(model, 'module', model)
    inputs, samples = given(bare, torch.Generator().manual_seed(10 + rank))
    torch.manual_seed(20 + rank)  # of the samplers
    total, terms = bare.parse_losses(model(inputs, samples, mode='loss'))
    total.backward()
    gradients = {name: p.grad for name, p in bare.named_parameters() if p.requires_grad}
    assert [name for name, x in gradients.items() if x is None] == []
    return {k: float(v.detach()) for k, v in terms.items() if 'loss' in k}, gradients


def work(rank, queue, port, mutual, make, given):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    terms, gradients = step(MODEL_WRAPPERS.build(cpu_wrapper({}), default_args=dict(module=network(mutual, make))), rank, given)
    queue.put((rank, terms, {name: x.numpy() for name, x in gradients.items()}))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def two_processes(mutual=False, make=pair, given=boxes):
    """Terms and gradients by rank, of the distiller that `make` makes, or of networks that train together."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    workers, queue = start_two(work, (port, mutual, make, given))
    said = {}
    while len(said) < 2:
        if queue.empty():
            workers.join(timeout=0.1)  # raises what a worker raised
        else:
            rank, *said[rank] = queue.get()
    while not workers.join():
        pass
    return said


def check_own_losses_and_mean_gradients(make, given=boxes):
    """Each process has the losses of its own images, and both the mean of the gradients."""
    said, alone = two_processes(make=make, given=given), [step(network(make=make), rank, given) for rank in (0, 1)]
    for rank, (terms, _) in enumerate(alone):
        assert said[rank][0] == pytest.approx(terms, rel=1e-5)
    assert alone[0][0]['loss_kd'] != pytest.approx(alone[1][0]['loss_kd'], rel=1e-3)
    for name, gradient in alone[0][1].items():
        mean = (gradient + alone[1][1][name]) / 2
        for rank in (0, 1):
            torch.testing.assert_close(torch.from_numpy(said[rank][1][name]), mean, rtol=1e-3, atol=1e-5, msg=name)
