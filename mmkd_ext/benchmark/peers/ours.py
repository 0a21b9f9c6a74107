"""Our run for a comparison: the config of a pair, with random teacher weights and the hook that measures blocks."""

from mmkd_ext.config.packaged_configs import OURS

from .pairs import KD_WEIGHT, LABEL_WEIGHT, TAU, Pair

_CIFAR = """_base_ = {base!r}
train_dataloader = dict(batch_size={batch_size}, dataset=dict(data_root={folder!r}))
"""
_IMAGES = """_base_ = {base!r}
data_preprocessor = dict(num_classes={classes})
train_dataloader = dict(batch_size={batch_size}, num_workers=0, dataset=dict(
    _delete_=True, type='mmpretrain.CustomDataset', data_root={folder!r}, pipeline=_base_.train_pipeline))
default_hooks = dict(channels_last=dict(type='mmkd_ext.ChannelsLastHook'))
"""
_BOTH = """
model = dict(
    teacher=dict(_delete_=True, model={teacher!r}, num_classes={classes}, checkpoint=None, allow_random=True, precision={precision!r}),
    student=dict(head=dict(num_classes={classes}, loss=dict(loss_weight={label_weight}))),
    losses=dict(kd=dict(tau={tau}, loss_weight={kd_weight})))
custom_hooks = [dict(type='mmkd_ext.benchmark.peers.block_hook.BlockHook', iterations={iterations}, fd={fd}, warm_up={warm_up})]
compile = {compiled}
"""
_LOOKED_AT = 256  # images that a distiller shows its teacher once more when a run starts, to see whether it knows them
_FILES = {32: 'kd/kd_resnet20_resnet56_cifar100.py', 224: 'kd/kd_resnet18_resnet34_imagenet.py'}


def config_text(
    pair: Pair, folder: str, batch_size: int, iterations: int, fd: int, half_teacher: bool = False, compiled: bool = False
) -> str:
    """A config for tools/train.py.

    Args:
        pair: Who teaches whom.
        folder: Of the images: CIFAR-100's, or class folders.
        batch_size: N.
        iterations: Of a block.
        fd: Where the blocks' reports go.
        half_teacher: bfloat16 for the teacher; `--amp` does it for the student.
        compiled: Whether mmengine's `compile=True` is on.
    """
    text = (_CIFAR if pair.size == 32 else _IMAGES) + _BOTH
    zoo = 'cifar' if pair.size == 32 else 'torchvision'
    return text.format(
        base=str(OURS / _FILES[pair.size]), batch_size=batch_size, folder=folder, classes=pair.classes,
        teacher=f'{zoo}/{pair.teacher}', precision='bf16' if half_teacher else None, label_weight=LABEL_WEIGHT, tau=TAU,
        kd_weight=KD_WEIGHT, iterations=iterations, fd=fd, compiled=compiled,
        warm_up=max(iterations, _LOOKED_AT // batch_size + 1))
