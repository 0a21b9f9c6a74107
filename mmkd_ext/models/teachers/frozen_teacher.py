"""FrozenTeacher: a network in eval mode, without gradients, outside of checkpoints and DDP. N samples."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.datasets.channel_order import check_orders, converts
from mmkd_ext.models.images.image_shape import as_size, channels_of
from mmkd_ext.models.images.renormalise import Renormalise, without_padding
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.kinds.known import kind_of
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.zoo.frozen_network import build_network, pretrained_size
from mmkd_ext.models.zoo.spec import read_spec
from mmkd_ext.models.zoo.teacher_record import class_names

from .compiled_recording import CompiledFeatures, CompiledRecording
from .fused_batch_norms import without_batch_norms
from .label_space import LabelSpace

_PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class FrozenTeacher:
    """A network in eval mode, without gradients, that sees what it was trained on.

    Not an `nn.Module`, and that is the point: a distiller that holds it has no parameters, buffers, checkpoint entries,
    modes or DDP traffic of it, weight initialisation does not reach it, and a deep copy of the distiller (EMA) shares it.
    It follows its inputs to their device. What it says is read as its kind of network is (see `outputs.kinds`): of images, or of the
    regions of a student.

    Args:
        spec: See `zoo.spec.read_spec`; and four keys of its dict. `classes` and `allow_unmapped`: see `LabelSpace`; classifiers only.
            `precision`: 'fp32', 'bf16' or 'fp16', whatever the student has; None: as the student. In half precision convolutions run in
            channels-last layout. `compile`: run by `torch.compile`, or, where that fails, as without it, with one warning. In any
            precision BatchNorms go into the convolutions before them, which changes rounding alone.
        student_preprocessor: What normalised the images that the teacher will be given; None: as its own.
        channel_order: 'rgb' or 'bgr', the order of these images; None: as the preprocessors tell, or as such networks' data are loaded.
        kind: Of the network; None: as it tells itself.

    Attributes:
        num_classes: K, once it was asked by a distiller; of what it says, so in the student's classes where its own are mapped.
        labels: How its classes become the student's.
        loaded: How its weights fitted; None for random ones.

    Raises:
        ValueError: As `build_network`, an unknown precision, images whose channel order cannot be known, a network of another kind,
            `compile` of a kind that does not compile, or `classes` as `LabelSpace` says, or of a detector.

    Example:
        A teacher in earnest has a `checkpoint`, or a name with weights such as `'torchvision/resnet34'`:

        >>> import torch
        >>> teacher = FrozenTeacher(dict(model='torchvision/resnet18', num_classes=10, checkpoint=None, allow_random=True))
        >>> teacher(torch.zeros(2, 3, 64, 64)).logits.shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        spec: str | Mapping[str, Any],
        student_preprocessor: nn.Module | None = None,
        channel_order: str | None = None,
        kind: type[Kind] | None = None,
    ) -> None:
        options = read_spec(spec, 'teacher')
        classes, allow_unmapped = options.pop('classes', None), options.pop('allow_unmapped', False)
        self.precision, compiled = options.pop('precision', None), options.pop('compile', False)
        if self.precision not in (None, *_PRECISIONS):
            raise ValueError(f"A teacher's precision needs to be None or one of {', '.join(_PRECISIONS)}, got {self.precision!r}.")
        self.network, self.name, preprocessor, self.input_size, known_order, self.record, self.loaded = build_network(options)
        self.network.requires_grad_(False).eval()
        kind = kind or kind_of(self.network)
        if options.get('num_classes') == 0 and kind.has_classes:
            raise ValueError(
                f'The teacher {self.name} needs num_classes to be a whole number >= 1, got 0, which leaves its classifier out: that is '
                'for a FeatureDistiller.')
        if compiled and not kind.compiles:
            raise ValueError(f'A teacher that is {kind.called} runs without torch.compile, got compile=True: leave it out.')
        if classes is not None and not kind.shares_samples:
            raise ValueError(
                f'A teacher that is {kind.called} needs the classes of its student in their order, got classes=...: leave it out.')
        if classes is not None and not kind.has_classes:
            raise ValueError('A teacher of a student without a head has no classes to map, got classes=...: leave it out.')
        if self.input_size is None and not kind.has_classes:
            self.input_size = pretrained_size(self.network)
        self.labels = LabelSpace(self.name, classes, allow_unmapped, class_names(options, self.record))
        self.channels = channels_of({}, self.network)
        convolves = any(isinstance(module, nn.Conv2d) for module in self.network.modules())
        self._digest: str | None = None
        self._channels_last = convolves and self.precision in ('bf16', 'fp16')
        self._reorders = convolves and kind.shares_samples
        if convolves:
            self.fingerprint()  # of the weights as they were loaded
            self.network = without_batch_norms(self.network)
        if self._channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        compiles = CompiledRecording if kind.has_classes else CompiledFeatures
        self._compiled = compiles(self.network, self.name) if compiled else None
        self.reader = kind(self.network, f'teacher {self.name}')
        self.reader.check()
        self.num_classes: int | None = None
        own_order = options.get('channel_order')
        check_orders(channel_order, own_order)
        channel_order = kind.order(channel_order, student_preprocessor)
        if own_order is None and (channel_order or converts(student_preprocessor) or converts(preprocessor)):
            own_order = known_order  # else neither turns what was loaded, and nobody told in which order that was
        self._renormalise = (
            None
            if student_preprocessor is None or not preprocessor
            else Renormalise(self.name, student_preprocessor, preprocessor, channel_order, own_order)
        )

    @torch.no_grad()
    def __call__(
        self, inputs: Tensor, samples: Sequence[Any] | None = None, places: Any = None, once: bool = False, swapped: bool = False
    ) -> Outputs:
        """Return what the teacher says about images (N, C, H, W) that the student's preprocessor normalised, or about places in them.

        Args:
            inputs: The images.
            samples: Their `img_shape` tells what is padding; None: nothing is.
            places: Of the student's samples, see `Kind.answer`.
            once: A look that is not worth compiling for.
            swapped: With the three channels in the order that is not the teacher's, as it is known.
        """
        return self.answer(self.look(inputs, samples, once, swapped), places)

    @torch.no_grad()
    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, once: bool = False, swapped: bool = False) -> Any:
        """What it sees in the student's images, for `answer`."""
        return self._seen(self.as_its_own(inputs, samples, swapped), samples, once)

    @torch.no_grad()
    def answer(self, features: Any, places: Any) -> Outputs:
        """What it says of places, from what it sees."""
        with self.autocast():
            return self.reader.answer(features, places)

    def guess(self, features: Any, count: int) -> Any:
        """The samples of each image of which it is surest, see `Kind.guess`."""
        with self.autocast():
            return self.reader.guess(features, count)

    @torch.no_grad()
    def predict(self, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """The samples with its own predictions, as an evaluator takes them."""
        return self.reader.predict(self, inputs, samples)

    def as_its_own(self, inputs: Tensor, samples: Sequence[Any] | None = None, swapped: bool = False) -> Tensor:
        """The student's images as the teacher's own preprocessor makes them; what was padded has the teacher's value again."""
        weight = next(self.network.parameters())
        if weight.device != inputs.device:
            self.network.to(inputs.device)
        if self.network.training:
            self.network.eval()
        inputs = inputs.to(weight.dtype)
        own = inputs if self._renormalise is None else self._renormalise(inputs)
        if swapped:
            own = own.flip(1) if self._renormalise is None else self._renormalise.swapped(own)
        if self.reader.padded:
            own = own if own is inputs else without_padding(own, samples)
        else:
            own = self._in_its_size(self._in_its_channels(own))
        faster = self._channels_last or self._reorders and weight.dtype == torch.float32 and own.device.type == 'cpu'
        return own.contiguous(memory_format=torch.channels_last) if faster else own

    def _in_its_size(self, images: Tensor) -> Tensor:
        size = None if self.input_size is None else as_size(self.input_size)
        if size is None or tuple(images.shape[-2:]) == size:
            return images
        return F.interpolate(images, size, mode='bilinear', antialias=True)

    def _seen(self, images: Tensor, samples: Sequence[Any] | None = None, once: bool = False) -> Any:
        """What it sees in images of its own."""
        with self.autocast():
            if self._compiled is not None:
                return self.labels(self._compiled(images, once))
            keep = self.precision is None and images.device.type != 'cpu'  # a training run may be in autocast itself
            seen = self.reader.look(images, samples, keep)
            return self.labels(seen) if isinstance(seen, Outputs) else seen

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

    def autocast(self) -> AbstractContextManager:
        """In its own precision, where it has one."""
        if self.precision is None:
            return nullcontext()
        device, dtype = next(self.network.parameters()).device.type, _PRECISIONS[self.precision]
        return torch.autocast(device, dtype, enabled=False) if dtype == torch.float32 else torch.autocast(device, dtype)

    @property
    def readers(self) -> tuple[Kind, ...]:
        """The network, read as its kind; of a `TeacherEnsemble` all of them."""
        return self.reader,

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
        """How it changes the images before it looks; another one makes other embeddings of the same images."""
        how = self._renormalise
        return (self.input_size, *((how.flip, how.scale.flatten().tolist(), how.shift.flatten().tolist()) if how else ()))

    @property
    def order(self) -> str | None:
        """In which its channels come, 'rgb' or 'bgr'; None if not known."""
        return self._renormalise.order if self._renormalise else None

    @property
    def runs_eagerly(self) -> bool:
        """Whether it is not compiled, since not asked to be or after the compiler's failure."""
        return self._compiled is None or self._compiled.failed

    def __deepcopy__(self, memo: dict) -> 'FrozenTeacher':
        """The same one: it never changes."""
        return self

    def __repr__(self) -> str:
        return f'FrozenTeacher({self.name})'
