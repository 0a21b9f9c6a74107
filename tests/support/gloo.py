"""One process against two over gloo: the loss and the gradients of a classifier on one joint batch."""

import socket
import warnings
from typing import Any

import torch
from mmengine.registry import MODEL_WRAPPERS, MODELS, init_default_scope
from support.two_ranks import start_two
from torch import Tensor, nn

from mmkd_ext.running.launch import cpu_wrapper

Result = tuple[dict[str, Tensor], dict[str, Tensor]]


def build(model_cfg: dict[str, Any], state: dict[str, Tensor] | None) -> nn.Module:
    """The classifier of a config, in float64, so that only a wrong sum differs and not the order of a right one."""
    import mmpretrain.models  # noqa: F401, registers the types

    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = MODELS.build(model_cfg)
    model.init_weights()
    if state is not None:
        model.load_state_dict(state)
    else:  # the zoo starts the residual branches at zero, where their gradients are zero and equal whatever DDP does
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.double().train()


def step(model: nn.Module, inputs: Tensor, labels: Tensor, backend: str | None = None) -> Result:
    """Loss terms and gradients of one forward and backward pass, as mmengine's `train_step` does them, compiled if there is a backend."""
    from mmpretrain.structures import DataSample

    bare = getattr(model, 'module', model)
    samples = [DataSample().set_gt_label(label) for label in labels]

    def forward() -> tuple[Tensor, dict[str, Tensor]]:
        return bare.parse_losses(model(inputs, samples, mode='loss'))

    total, terms = forward() if backend is None else torch.compile(forward, backend=backend)()
    total.backward()
    missing = [
        name for name, parameter in bare.named_parameters() if parameter.requires_grad and parameter.grad is None
    ]
    if missing:
        raise ValueError(
            f'Every parameter needs a gradient for DDP without find_unused_parameters, got none for {missing}.'
        )
    return (
        {name: value.detach() for name, value in terms.items()},
        {name: parameter.grad for name, parameter in bare.named_parameters() if parameter.grad is not None},
    )


def one_process(
    model_cfg: dict[str, Any], inputs: Tensor, labels: Tensor, state: dict[str, Tensor] | None = None
) -> Result:
    """Of the joint batch."""
    return step(build(model_cfg, state), inputs, labels)


def two_processes(
    model_cfg: dict[str, Any], inputs: Tensor, labels: Tensor, state: dict[str, Tensor] | None = None, backend: str | None = None
) -> Result:
    """Of half the batch per process, in the wrapper that the tools use: the mean of the losses, and DDP's gradients."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    workers, queue = start_two(_work, (port, model_cfg, inputs, labels, state, backend))
    while not workers.join(timeout=0.1):  # raises what a worker raised
        if not queue.empty():
            break
    terms, gradients = queue.get()
    while not workers.join():
        pass
    as_tensors = [{name: torch.from_numpy(value) for name, value in part.items()} for part in (terms, gradients)]
    return as_tensors[0], as_tensors[1]


def _work(
    rank: int, queue: Any, port: int, model_cfg: dict, inputs: Tensor, labels: Tensor, state: dict | None, backend: str | None
) -> None:
    torch.set_num_threads(1)
    if backend:
        warnings.simplefilter('ignore')  # the compiler's own
    torch.distributed.init_process_group('gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = MODEL_WRAPPERS.build(cpu_wrapper({}), default_args=dict(module=build(model_cfg, state)))
    half = len(inputs) // 2
    part = slice(rank * half, (rank + 1) * half)
    terms, gradients = step(model, inputs[part], labels[part], backend)
    for value in terms.values():
        torch.distributed.all_reduce(value)
    if rank == 0:
        # As arrays: a tensor would travel by a file descriptor of a process that ends.
        queue.put(
            (
                {name: (value / 2).numpy() for name, value in terms.items()},
                {name: value.numpy() for name, value in gradients.items()},
            )
        )
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
