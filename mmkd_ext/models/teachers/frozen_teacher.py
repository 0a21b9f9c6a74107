"""A teacher from any spec, frozen for ever. N samples."""

import copy
import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from logging import WARNING
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.datasets.channel_order import converts
from mmkd_ext.models.images.image_shape import as_size, channels_of
from mmkd_ext.models.images.renormalise import Renormalise
from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.zoo.frozen_network import build_network

_PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class FrozenTeacher:
    """A network in eval mode, without gradients, that sees what it was trained on.

    Not an `nn.Module`, and that is the point: a distiller that holds it has no parameters, buffers, checkpoint entries,
    modes or DDP traffic of it, weight initialisation does not reach it, and a deep copy of the distiller (EMA) shares it.
    It follows its inputs to their device.

    Args:
        spec: See `zoo.spec.read_spec`; and two keys of its dict that say how it runs. `precision`: 'fp32', 'bf16' or 'fp16',
            whatever the student has; None: as the student. In half precision convolutions run in channels-last layout, and take in
            the BatchNorms behind them. `compile`: run by `torch.compile`, or, where that fails, as without it, with one warning.
        student_preprocessor: What normalised the images that the teacher will be given; None: as its own.
        channel_order: 'rgb' or 'bgr', the order of these images; None: as the preprocessors tell.

    Raises:
        ValueError: As `build_network`, an unknown precision, or images whose channel order cannot be known.
    """

    def __init__(
        self,
        spec: str | Mapping[str, Any],
        student_preprocessor: nn.Module | None = None,
        channel_order: str | None = None,
    ) -> None:
        options = dict(spec) if isinstance(spec, Mapping) else {'model': spec}
        self.precision, compiled = options.pop('precision', None), options.pop('compile', False)
        if self.precision not in (None, *_PRECISIONS):
            raise ValueError(f"A teacher's precision needs to be None or one of {', '.join(_PRECISIONS)}, got {self.precision!r}.")
        self.network, self.name, preprocessor, self.input_size, known_order, self.record = build_network(options)
        self.network.requires_grad_(False).eval()
        self.channels = channels_of({}, self.network)
        convolves = any(isinstance(module, nn.Conv2d) for module in self.network.modules())
        self._digest: str | None = None
        self._channels_last = convolves and self.precision in ('bf16', 'fp16')
        if self._channels_last:
            self.fingerprint()  # of the weights as they were loaded
            self.network = without_batch_norms(self.network).to(memory_format=torch.channels_last)
        self._compiled = CompiledRecording(self.network, self.name) if compiled else None
        own_order = options.get('channel_order')
        if own_order is None and (channel_order or converts(student_preprocessor) or converts(preprocessor)):
            own_order = known_order  # else neither turns what was loaded, and nobody told in which order that was
        self._renormalise = (
            None
            if student_preprocessor is None or not preprocessor
            else Renormalise(self.name, student_preprocessor, preprocessor, channel_order, own_order)
        )

    @torch.no_grad()
    def __call__(self, inputs: Tensor, once: bool = False, swapped: bool = False) -> Outputs:
        """Return what the teacher says about images (N, C, H, W) that the student's preprocessor normalised.

        Args:
            inputs: The images.
            once: A look that is not worth compiling for.
            swapped: With the three channels in the order that is not the teacher's, as it is known.
        """
        weight = next(self.network.parameters())
        if weight.device != inputs.device:
            self.network.to(inputs.device)
        inputs = inputs.to(weight.dtype)
        if self.network.training:
            self.network.eval()
        if self._renormalise is not None:
            inputs = self._renormalise(inputs)
        if swapped:
            inputs = inputs.flip(1) if self._renormalise is None else self._renormalise.swapped(inputs)
        inputs = self._in_its_channels(inputs)
        size = None if self.input_size is None else as_size(self.input_size)
        if size is not None and tuple(inputs.shape[-2:]) != size:
            inputs = F.interpolate(inputs, size, mode='bilinear', antialias=True)
        if self._channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self._autocast(inputs.device.type):
            if self._compiled is not None:
                return self._compiled(inputs, once)
            with recording(self.network) as record:
                self.network(inputs)
            return record.outputs()

    def _in_its_channels(self, images: Tensor) -> Tensor:
        """Grey images three times over for a teacher of three channels."""
        if images.shape[1] == self.channels:
            return images
        if images.shape[1] == 1 and self.channels == 3:
            return images.expand(-1, 3, -1, -1)
        if self.channels not in (1, 3):  # perhaps made of the pixels
            return images
        raise ValueError(
            f'The teacher {self.name} needs images of {self.channels} channels, got {tuple(images.shape)} (N, C, H, W). Is it a '
            'teacher of other data? A teacher of three channels is given grey images three times over; nothing else is changed.')

    def _autocast(self, device: str) -> AbstractContextManager:
        if self.precision is None:
            return nullcontext()
        dtype = _PRECISIONS[self.precision]
        return torch.autocast(device, dtype, enabled=False) if dtype == torch.float32 else torch.autocast(device, dtype)

    def fingerprint(self) -> str:
        """A digest of the weights; the same weights have the same one."""
        if self._digest is None:
            digest = hashlib.sha256()
            for key, value in self.network.state_dict().items():
                digest.update(key.encode())
                digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
            self._digest = digest.hexdigest()
        return self._digest

    @property
    def view(self) -> tuple[Any, ...]:
        """How it changes the images before it looks: another one makes other embeddings of the same images."""
        how = self._renormalise
        return (self.input_size, *((how.flip, how.scale.flatten().tolist(), how.shift.flatten().tolist()) if how else ()))

    @property
    def order(self) -> str | None:
        """In which its channels come, 'rgb' or 'bgr'; None: not known."""
        return self._renormalise.order if self._renormalise else None

    @property
    def runs_eagerly(self) -> bool:
        """Whether it is not compiled: not asked to be, or after the compiler's failure."""
        return self._compiled is None or self._compiled.failed

    def __deepcopy__(self, memo: dict) -> 'FrozenTeacher':
        """The same one: it never changes."""
        return self

    def __repr__(self) -> str:
        return f'FrozenTeacher({self.name})'


@torch.no_grad()
def without_batch_norms(network: nn.Module, side: int = 64, tolerance: float = 1e-3) -> nn.Module:
    """The same network in eval mode with its BatchNorms taken into the convolutions before them, where that changes nothing.

    The host's `fuse_conv_bn` goes by the order in which modules were made; a network that is called in another order, or whose
    norms do more than normalise, is given back as it is.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return network
    images = torch.randn(1, channels_of({}, network), side, side, generator=torch.Generator().manual_seed(0))
    try:
        fused = fuse_conv_bn(copy.deepcopy(network))
        difference = (_first(fused(images)) - (wanted := _first(network(images)))).abs().max()
        return fused if difference <= tolerance * wanted.abs().max() else network
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError):  # another size, another number of channels
        return network


def _first(out: Any) -> Tensor:
    return next(tensors_in(out)).float()


class CompiledRecording:
    """A frozen network and the reading of its outputs, compiled as one; as they are where that fails.

    Args:
        network: It is watched for good, so it should be nobody else's.
        name: Its name, for the warning.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        self.network, self.name = network, name
        self._watch = ExitStack()  # kept, since its end would be the watching's
        self._record = self._watch.enter_context(recording(network))  # hooks that come later the compiler would not see
        self._call = torch.compile(self._eager)
        self.failed = False

    def __call__(self, inputs: Tensor, eagerly: bool = False) -> Outputs:
        """Run the network once."""
        if eagerly or self.failed:
            return self._eager(inputs)
        try:
            return self._call(inputs)
        except Exception as error:  # whatever the compiler met, the network may still run without it
            self._record.forget()
            self.failed = True
            reason = f'{type(error).__name__}: {error}'.strip().splitlines()[0].rstrip('.')
            print_log(f'The teacher {self.name} runs without torch.compile, which failed: {reason}.', 'current', WARNING)
            return self._eager(inputs)

    def _eager(self, inputs: Tensor) -> Outputs:
        self.network(inputs)
        outputs = self._record.outputs()
        self._record.forget()
        return outputs
