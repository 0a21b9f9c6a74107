"""Segmentors as a kind of network. N images, S labelled pixels, K classes, h x w cells of the decode head's grid."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.structures import PixelData
from torch import Tensor, nn

from mmkd_ext.datasets.channel_order import converts
from mmkd_ext.models.images.image_shape import Size, as_size, channels_of
from mmkd_ext.models.outputs.eval_mode import in_eval_mode
from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.models.outputs.forward_hooks import shadowed
from mmkd_ext.models.outputs.kinds.base import Kind, Pass
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID

from .pixels import HeadPass, Pixels, check_label_maps, labelled, labels_at, watching_head

_SIDE = 256  # of the image with which adapters are sized
_USE = "'mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py', or another encoder and decoder whose head ends in conv_seg"


class Segmentor(Kind):
    """A segmentor of mmseg: an encoder, perhaps a neck, and a decode head, or several in a cascade, whose last convolution is `conv_seg`.

    Its samples are the labelled pixels of the decode head's own grid, before its logits are resized to the images; each has the label of
    the nearest pixel of the label map, and ignored ones are no samples. The embedding is what enters `conv_seg` there, the logits what it
    gives (of a head with one score for two classes 0 and that score); stages are the neck's maps, or the backbone's, and `logit_map` are
    the logits as a map. Another network's maps are resized to the student's grid where they have another. Auxiliary heads keep their
    own losses, and nothing compares them.
    """

    scope = 'mmseg'
    preprocessor_type = 'mmseg.SegDataPreProcessor'
    compiles = False
    shares_samples = False
    watches_order = False
    padded = True
    pads_in_training = True
    sized_by_data = False
    no_onnx = 'its export was not tried'
    called = 'a segmentor'
    samples_name = 'labelled pixels'
    class_heads = ('decode_head', 'auxiliary_head')
    parts = frozenset(('decode_head', 'auxiliary_head', 'align_corners', 'out_channels'))

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """By its `decode_head`, or a list of them."""
        return isinstance(cfg.get('decode_head'), Mapping | list | tuple)

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """By its `decode_head`."""
        return isinstance(getattr(network, 'decode_head', None), nn.Module)

    @staticmethod
    def check_installed() -> None:
        """Raise a `ValueError` without mmseg."""
        try:
            import mmseg.models  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"Distillation of segmentors needs mmseg, got {type(error).__name__}: {error}. Install it: pip install -e '.[seg]'."
            ) from error

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """In its decode heads and its auxiliary ones, with the channels of their scores where these are not one."""
        heads = [each for part in ('decode_head', 'auxiliary_head') for each in _listed(plain.get(part))]
        for head in heads:
            head.num_classes = classes
            if head.get('out_channels') not in (None, 1):
                head.out_channels = classes
        return bool(heads)

    @staticmethod
    def order(channel_order: str | None, preprocessor: nn.Module | None) -> str:
        """Mmseg loads BGR."""
        return channel_order or ('rgb' if converts(preprocessor) else 'bgr')

    @property
    def head(self) -> Any:
        """The last decode head, which gives the scores."""
        heads = self.network.decode_head
        return heads[-1] if isinstance(heads, nn.ModuleList) else heads

    def check(self) -> None:
        """Whether it has a decode head that ends in `conv_seg`."""
        lacking = (
            'no decode_head' if not self.is_network(self.network)
            else 'no conv_seg, a convolution that makes class scores of an embedding' if not isinstance(
                getattr(self.head, 'conv_seg', None), nn.Conv2d)
            else None
        )  # fmt: skip
        if lacking:
            of = f' with a {type(self.head).__name__}' if self.is_network(self.network) else ''
            raise ValueError(
                f'Distillation of segmentors needs a segmentor of mmseg as {self.who}, got {type(self.network).__name__}{of}, which has '
                f'{lacking}. Use {_USE}.')

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`; the pixels are those with a label that the head's losses do not ignore."""
        maps: list[Any] = []
        with watching_head(self.head) as seen, shadowed(self.network, 'extract_feat', maps.append):
            terms = self.network.loss(inputs, samples)
        height, width = seen.scores.shape[2:]
        labels = labels_at(samples, (height, width), self.head.align_corners)
        places = Pixels((height, width), labelled(labels, self.head.num_classes, self.head.ignore_index))
        target = labels.flatten()[places.cells]
        return Pass(terms, self._outputs(maps[0], seen, places), target, target, places, maps[0])

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> Any:
        """The maps that enter its decode head, as the backbone or the neck gives them."""
        return self.network.extract_feat(inputs)

    @torch.no_grad()
    def answer(self, features: Any, places: Pixels) -> Outputs:
        """What it says at another one's pixels."""
        maps = features.detach() if isinstance(features, Tensor) else tuple(x.detach() for x in tensors_in(features))
        decoders = self.network.decode_head
        first, *others = decoders if isinstance(decoders, nn.ModuleList) else [decoders]
        with in_eval_mode(decoders), watching_head(self.head) as seen:
            said = first(maps)
            for head in others:
                said = head(maps, said)
        return self._outputs(maps, seen, places)

    def _outputs(self, maps: Any, seen: HeadPass, places: Pixels) -> Outputs:
        embedding, logits = (places.of(x, self.head.align_corners) for x in (seen.entered, seen.scores))
        stages = tuple(x for x in tensors_in(maps) if x.ndim == 4)
        return Outputs(stages, embedding, logits, scores=_scores(self.head), logit_map=seen.scores)

    def input_shape(self, cfg: Mapping[str, Any], size: Size | None) -> tuple[int, int, int]:
        """Of a square of 256 pixels, where no size is given."""
        return channels_of({}, self.network), *as_size(_SIDE if size is None else size)

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Pixels]:
        """An image, and the first pixel of the grid."""
        return torch.zeros(1, *shape), Pixels(None, torch.zeros(1, dtype=torch.long))

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Maps belong to images, embeddings and logits to pixels; what sigmoids make of KD is told."""
        if loss.reads('stages') and loss.reads('embedding'):
            raise ValueError(
                f'losses.{name} needs with_embedding=False in segmentation, or two losses, one for maps and one for embeddings, which '
                'belong to pixels.')
        if loss.reads('stages') and loss.reads('logits'):
            raise ValueError(f'losses.{name} compares maps of images and logits, which belong to pixels: take a loss for each.')
        if loss.reads('logits') and SIGMOID in (loss.scores or ()) and student.scores == SIGMOID:
            print_log(f'losses.{name} compares a yes or no for each class, since the scores of the decode head are sigmoids.', 'current')

    def watch_data(self, preprocessor: nn.Module, classes: int) -> None:
        """Labels of pixels that are no class."""
        preprocessor.register_forward_pre_hook(partial(check_label_maps, classes, self.head.ignore_index), with_kwargs=True)

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """At the labelled pixels of the teacher's own grid, which is the same whatever the student is."""
        images, samples = data['inputs'], data['data_samples']
        said = teacher(images, samples, Pixels())
        height, width = said.logit_map.shape[2:]
        labels = labels_at(samples, (height, width), teacher.reader.head.align_corners)
        index = labelled(labels, self.head.num_classes, self.head.ignore_index)
        return said._replace(embedding=said.embedding[index], logits=said.logits[index]), labels.flatten()[index]

    def class_mean_provenance(self) -> str:
        """Which pixels are left out."""
        return f'pixels but those labelled {self.head.ignore_index}'

    def predict(self, teacher: Any, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """Label maps in the size of the original images, as mmseg's `predict` leaves them."""
        images = teacher.as_its_own(inputs, samples)
        with teacher.autocast():
            return self.network.predict(images, samples)

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Tensor:
        """Logits (N, K, h, w)."""
        return next(tensors_in(self.network(images, samples, mode='tensor')))

    @staticmethod
    def joined_raw(said: Mapping[str, Tensor], several: bool) -> Any:
        """What each network gives, by name; of the one that predicts alone its own."""
        return dict(said) if several else next(iter(said.values()))

    @staticmethod
    def joined(samples: Sequence[Any] | None, said: Mapping[str, list[Any]], members: Mapping[str, Any]) -> list[Any]:
        """By the mean of the members' probabilities at each pixel; `seg_logits` is that mean."""
        first = next(iter(members.values())).decode_head
        head: Any = first[-1] if isinstance(first, nn.ModuleList) else first
        given = list(samples or next(iter(said.values())))
        for n, sample in enumerate(given):
            found = [said[name][n].seg_logits.data.float() for name in members]
            shares = torch.stack([x if len(x) == 1 else x.softmax(dim=0) for x in found]).mean(dim=0)  # one score is a share already
            labels = (shares > head.threshold).long() if len(shares) == 1 else shares.argmax(dim=0, keepdim=True)
            sample.set_data(dict(seg_logits=PixelData(data=shares), pred_sem_seg=PixelData(data=labels)))
            sample.set_field({name: each[n] for name, each in said.items()}, 'networks')
        return given

    @classmethod
    @torch.no_grad()
    def raw_predictions(cls, model: nn.Module, images: Tensor) -> Tensor:
        """Logits of all pixels of the grid, (N h w, K)."""
        return next(tensors_in(model(images, mode='tensor'))).permute(0, 2, 3, 1).flatten(0, 2)

    def example_samples(self, images: Tensor, classes: int) -> list[Any]:
        """Label maps in which every class lies in stripes."""
        from mmseg.structures import SegDataSample

        height, width = images.shape[-2:]
        stripes = (torch.arange(width) % classes).expand(1, height, width).clone()
        meta = dict(img_shape=(height, width), ori_shape=(height, width), pad_shape=(height, width), padding_size=[0, 0, 0, 0])
        return [
            SegDataSample(metainfo=dict(meta, img_path=f'{i}.png'), gt_sem_seg=PixelData(data=stripes)).to(images.device)
            for i in range(len(images))]


def _listed(heads: Any) -> Sequence[Any]:
    return () if heads is None else [heads] if isinstance(heads, Mapping) else heads


def _scores(head: Any) -> str | None:
    """A sigmoid for each class where every loss of the head that says so says so; of one score for two classes their softmax."""
    losses = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]
    said = [each.use_sigmoid for each in losses if hasattr(each, 'use_sigmoid')]
    return SIGMOID if said and all(said) and head.conv_seg.out_channels > 1 else None
