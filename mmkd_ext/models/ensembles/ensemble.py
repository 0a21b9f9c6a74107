"""An ensemble of classifiers: the mean of their probabilities. N samples, K classes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel, ModuleDict
from mmpretrain.structures import DataSample
from torch import Tensor

from mmkd_ext.checkpoints.root_keys import saved_as_root
from mmkd_ext.models.images.renormalise import Renormalise
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.outputs.scores import SOFTMAX, scores_of
from mmkd_ext.models.zoo.trained_network import build_trained, network_config
from mmkd_ext.registry import MODELS

ALL = 'ensemble'


@MODELS.register_module()
class Ensemble(BaseModel):
    """Classifiers whose mean of probabilities is the prediction.

    Each network sees the images as its own `data_preprocessor` would make them; networks that name none share the ensemble's. Its
    keys in a checkpoint are `networks.<name>.<key of the zoo>`.

    Args:
        networks: Name -> spec (see `zoo.spec.read_spec`); with `checkpoint` its weights are read when it is built.
        predict_by: 'ensemble', or the name of the one network that predicts.
        channel_order: 'rgb' or 'bgr', the order of the images; None: as the preprocessors tell.
        data_preprocessor: What prepares the images (the runner passes the config's); None: the first network's. Its
            `batch_augments` count, those of the networks do not.
        init_cfg: For mmengine.

    Raises:
        ValueError: No network, a name that cannot be one, scores that are no softmax, or an unknown `predict_by`.

    Example:
        >>> head = dict(type='LinearClsHead', num_classes=10, in_channels=64)
        >>> network = dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
        ...                neck=dict(type='GlobalAveragePooling'), head=head)
        >>> ensemble = Ensemble(dict(a=network, b=network)).eval()
        >>> log_probabilities = ensemble(torch.zeros(2, 3, 32, 32))
        >>> log_probabilities.shape, bool(log_probabilities.exp().sum(dim=1).allclose(torch.ones(2)))
        (torch.Size([2, 10]), True)
    """

    scope = 'mmpretrain'
    preprocessor_type = 'mmpretrain.ClsDataPreprocessor'

    def __init__(
        self,
        networks: Mapping[str, Any],
        predict_by: str = ALL,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not networks or not all(str(name).isidentifier() and name != ALL and not hasattr(ModuleDict, name) for name in networks):
            raise ValueError(
                f"{type(self).__name__} needs networks whose names are Python identifiers other than '{ALL}' and the methods of a "
                f'module (half, train, ...), got {list(networks)}.')
        cfgs = {name: network_config(spec) for name, spec in networks.items()}
        first = next(iter(cfgs.values())).get('data_preprocessor')
        shared = {'type': self.preprocessor_type, **(data_preprocessor or first or {})}
        super().__init__(shared, init_cfg)
        self.networks = ModuleDict({name: build_trained(spec, shared, self.scope) for name, spec in networks.items()})
        other = [name for name, network in self.networks.items() if scores_of(network) != SOFTMAX]
        if other:
            raise ValueError(
                f'{type(self).__name__} joins networks whose scores are one softmax over the classes, got {other[0]} with a '
                f'{type(self.networks[other[0]].head).__name__}. Train networks with several labels one by one.')
        self.members = self._members()
        self._register_state_dict_hook(_networks_as_roots)  # a method of the class would not be asked by mmengine's saver
        if predict_by not in (ALL, *self.networks):
            raise ValueError(f'predict_by needs one of {", ".join((ALL, *self.networks))}, got {predict_by!r}.')
        self.predict_by = predict_by
        # plain objects: they have no place in a checkpoint
        self._views = {
            name: Renormalise(name, self.data_preprocessor, own, self._order(channel_order))
            for name, own in ((name, cfg.get('data_preprocessor')) for name, cfg in cfgs.items()) if own}  # fmt: skip

    def _members(self) -> tuple[str, ...]:
        """Whose predictions are averaged."""
        return tuple(self.networks)

    def _order(self, channel_order: str | None) -> str | None:
        """Of the channels of the images."""
        return channel_order

    def view(self, name: str, inputs: Tensor) -> Tensor:
        """The images as a network wants them."""
        return self._views[name](inputs) if name in self._views else inputs

    def forward(self, inputs: Tensor, data_samples: Sequence[Any] | None = None, mode: str = 'tensor') -> Any:
        """`'tensor'` gives logits (N, K), those of an ensemble the logarithms of its probabilities; `'predict'` samples."""
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode != 'tensor':
            raise ValueError(f"mode needs to be 'tensor', 'predict' or 'loss', got {mode!r}.")
        if self.predict_by != ALL:
            return self._logits(self.predict_by, inputs)
        said = torch.stack([self._logits(name, inputs).float().log_softmax(dim=1) for name in self.members])
        return said.logsumexp(dim=0) - math.log(len(said))

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """An ensemble is trained by a `MutualLearningDistiller`."""
        raise ValueError(f'{type(self).__name__} only predicts. Train its networks by a MutualLearningDistiller, or one by one.')

    def predict(self, inputs: Tensor, data_samples: Sequence[Any] | None = None) -> list[Any]:
        """Samples with the mean of the members' probabilities; `networks` in them has every network's own sample by name."""
        names = list(self.networks) if self.predict_by == ALL else [self.predict_by]
        said = {name: self.networks[name].predict(self.view(name, inputs), _copies(data_samples)) for name in names}
        if self.predict_by != ALL:
            return said[self.predict_by]
        samples = list(data_samples or (DataSample() for _ in range(len(inputs))))
        for n, sample in enumerate(samples):
            scores = torch.stack([said[name][n].pred_score.float() for name in self.members]).mean(dim=0)
            sample.set_pred_score(scores).set_pred_label(scores.argmax(dim=0, keepdim=True))
            sample.set_field({name: each[n] for name, each in said.items()}, 'networks')
        return samples

    def _logits(self, name: str, inputs: Tensor) -> Tensor:
        network = self.networks[name]
        with recording(network) as record:
            network(self.view(name, inputs))
        return record.outputs().logits

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """That of a network, for layer-wise learning rates; what is in none counts as the last layer of the first."""
        kind, _, rest = param_name.partition('.')
        name, _, own = rest.partition('.')
        if kind == 'networks':
            return self.networks[name].get_layer_depth(own)
        _, layers = next(iter(self.networks.values())).get_layer_depth('head.fc.weight')
        return layers - 1, layers


def _networks_as_roots(module: Ensemble, destination: dict[str, Any], prefix: str, _: Any) -> None:
    for name, network in module.networks.items():
        nested = f'{prefix}networks.{name}.'
        saved_as_root(destination, network, nested, nested)


def _copies(samples: Sequence[Any] | None) -> list[Any] | None:
    return None if samples is None else [sample.new() for sample in samples]
