"""An ensemble of networks of one kind; their predictions are averaged by `Kind.joined` (models/outputs/kinds). N samples, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from mmkd_ext.checkpoints.root_keys import saved_as_root
from mmkd_ext.models.images.renormalise import Renormalise, without_padding
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.outputs.scores import SOFTMAX, scores_of
from mmkd_ext.models.zoo.trained_network import build_trained, network_config
from mmkd_ext.registry import MODELS

ALL = 'ensemble'


@MODELS.register_module()
class Ensemble(BaseModel):
    """Classifiers whose mean of probabilities is the prediction, or networks of another kind that are joined as that kind says.

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
        >>> import torch
        >>> head = dict(type='LinearClsHead', num_classes=10, in_channels=64)
        >>> network = dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
        ...                neck=dict(type='GlobalAveragePooling'), head=head)
        >>> ensemble = Ensemble(dict(a=network, b=network)).eval()
        >>> log_probabilities = ensemble(torch.zeros(2, 3, 32, 32))
        >>> log_probabilities.shape, bool(log_probabilities.exp().sum(dim=1).allclose(torch.ones(2)))
        (torch.Size([2, 10]), True)
    """

    kind: type[Kind] = None  # type: ignore[assignment]  # None: as the first network's config tells

    def __init__(
        self,
        networks: Mapping[str, Any],
        predict_by: str = ALL,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not isinstance(networks, Mapping):
            raise ValueError(f'{type(self).__name__} needs networks=dict(name=spec, ...), got {networks!r}.')
        if not networks or not all(str(name).isidentifier() and name != ALL and not hasattr(ModuleDict, name) for name in networks):
            raise ValueError(
                f"{type(self).__name__} needs networks whose names are Python identifiers other than '{ALL}' and the methods of a "
                f'module (half, train, ...), got {list(networks)}.')
        cfgs = {name: network_config(spec) for name, spec in networks.items()}
        first = next(iter(cfgs.values()))
        kind = self.kind or kind_of_config(first)
        kind.check_installed()
        shared = {'type': kind.preprocessor_type, **(data_preprocessor or first.get('data_preprocessor') or {})}
        super().__init__(shared, init_cfg)
        self.kind = kind
        self.networks = ModuleDict({name: build_trained(spec, shared, kind.scope) for name, spec in networks.items()})
        self.readers = {name: kind(network, name) for name, network in self.networks.items()}
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
            name: Renormalise(name, self.data_preprocessor, own, kind.order(channel_order, self.data_preprocessor))
            for name, own in ((name, cfg.get('data_preprocessor')) for name, cfg in cfgs.items()) if own}  # fmt: skip

    def _members(self) -> tuple[str, ...]:
        """Names of the networks whose predictions are averaged."""
        return tuple(self.networks)

    def view(self, name: str, inputs: Tensor, samples: Sequence[Any] | None = None) -> Tensor:
        """The images as a network wants them; of a detector or segmentor, what was padded is zero again."""
        own = self._views[name](inputs) if name in self._views else inputs
        return without_padding(own, samples) if own is not inputs and self.readers[name].padded else own

    def forward(self, inputs: Tensor, data_samples: Sequence[Any] | None = None, mode: str = 'tensor') -> Any:
        """`'predict'` gives samples; `'tensor'` logits (N, K), an ensemble's log-probabilities, or what each detector gives, by name."""
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode != 'tensor':
            raise ValueError(f"mode needs to be 'tensor', 'predict' or 'loss', got {mode!r}.")
        names = self.members if self.predict_by == ALL else (self.predict_by,)
        said = {name: self.readers[name].raw(self.view(name, inputs, data_samples), data_samples) for name in names}
        return self.readers[names[0]].joined_raw(said, self.predict_by == ALL)

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """An ensemble is trained by a `MutualLearningDistiller`."""
        raise ValueError(f'{type(self).__name__} only predicts. Train its networks by a MutualLearningDistiller, or one by one.')

    def predict(self, inputs: Tensor, data_samples: Sequence[Any] | None = None) -> list[Any]:
        """Samples with the joined predictions; `networks` in them has every network's own sample by name."""
        names = list(self.networks) if self.predict_by == ALL else [self.predict_by]
        views = {name: (self.view(name, inputs, data_samples), _copies(data_samples)) for name in names}
        if self.predict_by != ALL:
            return self.networks[self.predict_by].predict(*views[self.predict_by])
        said = {name: self.readers[name].predict_among(*view) for name, view in views.items()}
        return self.readers[names[0]].joined(data_samples, said, {name: self.networks[name] for name in self.members})

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """A parameter's layer in its network, for layer-wise learning rates; one of no network counts as the first one's last layer."""
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
