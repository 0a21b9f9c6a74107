"""Distillation in the loops of others, as their own examples write them.

No worker processes anywhere: what an image costs is then part of the process that is measured.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from .arithmetic import convolutions_alone
from .blocks import Blocks
from .pairs import KD_WEIGHT, LABEL_WEIGHT, LR, MOMENTUM, PAIRS, TAU, WEIGHT_DECAY, Pair, sgd


def for_ever(loader: Any) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from loader


def autocast(half: bool) -> AbstractContextManager:
    """bfloat16 where it is asked for."""
    return torch.autocast('cpu', torch.bfloat16, enabled=half)


def plain(pair: Pair, folder: str, batch_size: int, half: bool) -> Iterator[float]:
    """A loop as the KD field's repositories write it: transforms per image, two terms, top-1 and top-5 of every batch.

    Yields:
        The loss of each step.
    """
    loader = DataLoader(pair.images(folder, pair.transform()), batch_size, shuffle=True)
    teacher, student = pair.networks()
    optimizer = sgd(student.parameters())
    teacher.eval()
    student.train()
    for images, target in for_ever(loader):
        optimizer.zero_grad()
        with autocast(half):
            logits = student(images)
            with torch.no_grad():
                wanted = teacher(images)
            supervised = LABEL_WEIGHT * F.cross_entropy(logits, target)
            softened = F.kl_div(F.log_softmax(logits / TAU, 1), F.softmax(wanted / TAU, 1), reduction='none').sum(1).mean()
            loss = supervised + KD_WEIGHT * TAU**2 * softened
        loss.backward()
        optimizer.step()
        hits = logits.topk(5, 1).indices == target[:, None]
        hits[:, 0].float().mean().item(), hits.any(1).float().mean().item()
        yield loss.item()


def timm(
    pair: Pair, folder: str, batch_size: int, half: bool, channels_last: bool = False, compiled: bool = False
) -> Iterator[float]:
    """What timm's train.py does: its `LogitDistillationTask`, its loader, and maybe its options --channels-last and --torchcompile."""
    from timm.data import create_loader
    from timm.data.transforms import ToNumpy
    from timm.optim import create_optimizer_v2
    from timm.task import DistillationTeacher, LogitDistillationTask
    from torchvision.transforms import Compose

    device = torch.device('cpu')
    images = pair.images(folder, None)
    loader = create_loader(
        images, (3, pair.size, pair.size), batch_size, is_training=True, color_jitter=0.0, interpolation='bilinear', mean=pair.mean,
        std=pair.std, num_workers=0, device=device)
    if pair.size == 32:
        images.transform = Compose([*pair.augmentation(), ToNumpy()])  # timm's own resize a crop; the loader normalises
    teacher, student = pair.networks()
    for network in (teacher, student):
        network.pretrained_cfg = dict(mean=pair.mean, std=pair.std)  # type: ignore[assignment]
        if channels_last:
            network.to(memory_format=torch.channels_last)
    optimizer = create_optimizer_v2(student, opt='sgd', lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    task = LogitDistillationTask(
        student, DistillationTeacher(teacher, device=device), torch.nn.CrossEntropyLoss(), task_loss_weight=LABEL_WEIGHT,
        distill_loss_weight=KD_WEIGHT, temperature=TAU, device=device, verbose=False)
    if compiled:
        task.compile()
    task.train()
    for batch, target in for_ever(loader):
        if channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        with autocast(half):
            loss = task(batch, target)['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def torchdistill(pair: Pair, folder: str, batch_size: int, half: bool) -> Iterator[float]:
    """The `DistillationBox` of torchdistill, configured as its example for CIFAR-100, with its loop's metrics.

    It has no mixed precision of its own for images: autocast stands around its forward process.
    """
    from torchdistill.core.distillation import get_distillation_box

    term = dict(key='KDLoss', kwargs=dict(
        student_module_path='.', student_module_io='output', teacher_module_path='.', teacher_module_io='output',
        temperature=TAU, alpha=LABEL_WEIGHT, beta=KD_WEIGHT, reduction='batchmean'))
    loader = dict(
        dataset_id='train', sampler=dict(class_or_func=torch.utils.data.RandomSampler, kwargs=None),
        kwargs=dict(batch_size=batch_size, num_workers=0, drop_last=False))
    teacher, student = pair.networks()
    box = get_distillation_box(
        teacher, student, dict(train=pair.images(folder, pair.transform())),
        dict(
            num_epochs=10**6, train_data_loader=loader, val_data_loader={**loader},
            teacher=dict(forward_proc='forward_batch_only', requires_grad=False, wrapper=None),
            student=dict(forward_proc='forward_batch_only', requires_grad=True, wrapper=None),
            optimizer=dict(key='SGD', kwargs=dict(lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)),
            criterion=dict(key='WeightedSumLoss', kwargs=dict(sub_terms=dict(kd=dict(criterion=term, weight=1.0))))),
        torch.device('cpu'), None, False, 1)
    box.pre_epoch_process(epoch=0)
    box.teacher_model.eval()  # which the box leaves to its user
    for images, target, more in for_ever(box.train_data_loader):
        with autocast(half):
            loss = box.forward_process(images, target, more)
        box.post_forward_process(loss=loss)
        yield loss.item()


FLOOR = 'convolutions alone'  # no tool, but what all of them need
LOOPS: dict[str, Callable[[Pair, str, int, bool], Iterator[float]]] = {
    'plain loop': plain,
    'timm': timm,
    'timm, channels-last': partial(timm, channels_last=True),
    'timm, channels-last, compiled': partial(timm, channels_last=True, compiled=True),
    'torchdistill': torchdistill,
    FLOOR: convolutions_alone,
}


def main(argv: list[str]) -> None:
    """A process of the comparison: PEER PAIR FOLDER BATCH_SIZE PRECISION ITERATIONS FD."""
    peer, pair, folder, batch_size, precision, iterations, fd = argv
    torch.manual_seed(0)
    blocks = Blocks(int(iterations), int(fd))
    for loss in LOOPS[peer](PAIRS[pair], folder, int(batch_size), precision == 'bfloat16'):
        if not loss < float('inf'):
            raise ValueError(f'A finite loss is needed, got {loss} from {peer}.')
        blocks.step_done()


if __name__ == '__main__':
    main(sys.argv[1:])
