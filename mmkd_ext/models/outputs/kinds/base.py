"""The contract for kinds of networks: Kind, from which classifiers and each kind of detector derive. K classes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmkd_ext.models.images.image_shape import Size, input_shape_of
from mmkd_ext.models.outputs.outputs import Outputs

Levels = tuple[list[int], list[int]]  # places of the stages that two networks have in common, in each one's


class Pass(NamedTuple):
    """What was recorded of a training pass. S samples: images of a classifier, regions, points or queries of a detector.

    Attributes:
        terms: The network's own losses.
        outputs: Its `Outputs`, with an embedding (S, D) and logits (S, K).
        target: (S,) labels, or (S, K) scores.
        rows: (S,) the row of the class means of each sample; `target` where each class has one row.
        places: Where the samples are, for `answer`; None for images.
        features: What the network can answer from for other places, see `look`.
        labelled: (S,) whether the target is a true label and not a teacher's guess; None: all are.
    """

    terms: dict[str, Any]
    outputs: Outputs
    target: Tensor
    rows: Tensor
    places: Any
    features: Any
    labelled: Tensor | None = None


class Kind:
    """A network, read as one of its kind. A subclass, made known by `register_kind`, is all that a new kind of network takes.

    A distiller calls `train` of the student; for a frozen teacher and for peers `look` at the images, and `answer` at the places of the
    student's samples. So the losses compare what both networks say of the same samples. A network with a sigmoid for each class says so
    by `Outputs.scores`.

    Args:
        network: Of this kind.
        who: Its name, for messages.

    Attributes:
        guesses: Of each teacher, what `guess` gave for the images of the next `train`.
        asked: What losses read of it beside what is always recorded ('edges', 'tower').
        scope: Of mmengine's registry, in which such networks are built.
        preprocessor_type: Of what prepares images for several networks.
        ensemble_type: Registered name of what joins several networks.
        compiles: Whether `torch.compile` takes a training step; False where each has another number of samples.
        shares_samples: Whether the samples are the images, so that all networks speak of the same ones in one pass.
        watches_order: Whether a teacher is asked once more with the channels in the other order, to warn of one that is right more often.
        background: Whether class K of the labels and logits is the background.
        takes_guesses: Whether teachers may point at samples of their own, by `guess`.
        boxes: Whether annotations are boxes.
        padded: Whether the images of a batch are padded to one size with zeros; then they are never resized for a teacher.
        pads_in_training: Whether the preprocessor pads images of several sizes in training alone, so that training data are looked at so.
        sized_by_data: Whether adapters are sized with images as large as the data's.
        no_onnx: Why there is no ONNX export, in words; None: there is one.
        onnx_step: Of how many pixels the sides of an ONNX graph's images are a multiple; None: they are those of the data.
        has_classes: Whether there are labels and logits; without, a teacher sees images in the size of its pretraining where timm tells it.
        optimizer: With which the zoo's recipes train such networks.
        called: What such a network is, for messages.
        samples_name: Of the samples, for messages.
        class_heads: Names of modules with `num_classes`, for comparing them with the data.
        parts: Names of parts that hooks of mmengine, mmpretrain and mmdet ask a model for.
    """

    scope = 'mmpretrain'
    preprocessor_type = 'mmpretrain.ClsDataPreprocessor'
    ensemble_type = 'mmkd_ext.Ensemble'
    compiles = shares_samples = watches_order = sized_by_data = has_classes = True
    background = boxes = padded = pads_in_training = takes_guesses = False
    no_onnx: str | None = None
    onnx_step: int | None = None
    optimizer = 'SGD'
    called = 'a detector'
    samples_name = 'training images'
    class_heads: tuple[str, ...] = ()
    parts: frozenset[str] = frozenset()

    def __init__(self, network: nn.Module, who: str = 'network') -> None:
        self.network: Any = network
        self.who = who
        self.asked: frozenset[str] = frozenset()
        self.guesses: Sequence[Any] = ()

    # what is asked of a config or of a network before it is one of this kind

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """Whether a model's config is of this kind."""
        raise NotImplementedError

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """Whether a network is of this kind."""
        raise NotImplementedError

    @staticmethod
    def check_installed() -> None:
        """Raise a `ValueError` where a package that such networks need is not there."""

    @staticmethod
    def deployed(plain: ConfigDict) -> ConfigDict:
        """The config without what only losses read, which may be changed in place."""
        return plain

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """Set the number of classes in a config, in place, and tell whether there was a place for it."""
        return False

    @staticmethod
    def has_masks(plain: Mapping[str, Any]) -> bool:
        """Whether a config is of a network that learns masks of objects beside their boxes."""
        return False

    @staticmethod
    def order(channel_order: str | None, preprocessor: nn.Module | None) -> str | None:
        """The order of the images' channels where a config is silent: as it is given, or as such networks' data are loaded."""
        return channel_order

    # how a network trains and answers

    def check(self) -> None:
        """Raise a `ValueError` where the network lacks what distillation reads."""

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """One training pass with the network's own losses, recorded.

        Args:
            inputs: (N, C, H, W) images, normalised for this network.
            samples: Their annotations.
            preprocessor: What prepared them.
        """
        raise NotImplementedError

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> Any:
        """What the network sees in images, from which `answer` says what it makes of places.

        Args:
            inputs: As for `train`.
            samples: Whose `img_shape` may tell what is padding; None: nothing is.
            keep: Whether tensors may stay in the precision and layout that autocast or the network gave them.
        """
        raise NotImplementedError

    def answer(self, features: Any, places: Any) -> Outputs:
        """What the network says of samples at the places of another network's `Pass`, in eval mode and without gradient."""
        raise NotImplementedError

    def guess(self, features: Any, count: int) -> Any:
        """The `count` samples of each image of which the network is surest; None unless the kind `takes_guesses`."""

    # how the losses are sized

    def input_shape(self, cfg: Mapping[str, Any], size: Size | None) -> tuple[int, int, int]:
        """Channels, height and width of the images with which networks are looked at once, to size the losses' adapters."""
        return input_shape_of(cfg, self.network, size)

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Any]:
        """Images (N, C, H, W) of that shape, and places in them."""
        raise NotImplementedError

    @classmethod
    def levels(cls, size: tuple[int, int], student: Outputs, teacher: Outputs) -> Levels | None:
        """Which stages of both are compared, by what they say of an `example` of that height and width; None: all."""
        return None

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Raise a `ValueError` where a loss of that name cannot compare what both say of an `example`."""

    @staticmethod
    def classes_of(outputs: Outputs) -> int:
        """K, without the background."""
        return outputs.logits.shape[1]

    def watch_data(self, preprocessor: nn.Module, classes: int) -> None:
        """Let a preprocessor refuse annotations that such a network would learn from without a word."""

    # what is counted

    @staticmethod
    def counted(target: Tensor, classes: int) -> Tensor | None:
        """(S,) the samples by which a teacher that guesses is found out; None: all."""
        return None

    def mean_rows(self, classes: int) -> tuple[int, str]:
        """How many rows the class means have, and what they are for, in words."""
        return classes, 'one for each class of the student'

    def class_mean_names(self, names: Sequence[str] | None, classes: int) -> list[str]:
        """Of the rows of the class means, by the data's names of the classes.

        Raises:
            ValueError: Another number of classes than the student has.
        """
        names = [str(k) for k in range(classes)] if names is None else list(names)
        if len(names) != classes:
            raise ValueError(
                f"Class means need the student's {classes} classes, got {len(names)} ({', '.join(map(str, names[:4]))}, ...). Look at "
                'num_classes of its head and at metainfo of train_dataloader.dataset.')
        return names

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """A frozen teacher's outputs for a batch of training data, and the row of the class means of each sample."""
        raise NotImplementedError

    def class_mean_provenance(self) -> str | None:
        """What the choice of these samples depends on; None: on nothing but the data."""
        return None

    # prediction

    def predict(self, teacher: Any, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """The samples with what this network, a frozen `teacher`'s, finds in the student's images, as an evaluator takes them."""
        raise NotImplementedError

    def predict_among(self, inputs: Tensor, samples: list[Any] | None) -> list[Any]:
        """What this network predicts as one of several, in samples of its own, with what `joined` needs beside."""
        return self.network.predict(inputs, samples)

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Any:
        """What `mode='tensor'` gives."""
        raise NotImplementedError

    @staticmethod
    def joined_raw(said: Mapping[str, Any], several: bool) -> Any:
        """The `raw` of an ensemble's networks as one; or of the one that predicts alone."""
        raise NotImplementedError

    @staticmethod
    def joined(samples: Sequence[Any] | None, said: Mapping[str, list[Any]], members: Mapping[str, Any]) -> list[Any]:
        """Samples with the joined predictions of `members`; `networks` in them has every network's own sample of `said`."""
        raise NotImplementedError

    # checks and measurements

    @classmethod
    def raw_predictions(cls, model: nn.Module, images: Tensor) -> Tensor:
        """Everything that a model in eval mode computes before it decides, as one tensor (N, K) or (1, X) that can be compared."""
        raise NotImplementedError

    @classmethod
    def onnx_outputs(cls, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """What an ONNX graph of a model in eval mode gives, by name."""
        return {'logits': cls.raw_predictions(model, images)}

    def example_samples(self, images: Tensor, classes: int) -> Any:
        """Annotations of random images for a benchmark: labels (N,), or samples."""
        raise NotImplementedError
