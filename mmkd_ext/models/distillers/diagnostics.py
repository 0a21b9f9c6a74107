"""Accuracies and norms of embeddings that the log shows beside the losses. S samples, K classes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import VALUES

from .chance_warning import ChanceWatch
from .loss_terms import diagnostic


@torch.no_grad()
def norms_and_accuracies(
    said: Mapping[str, Outputs], target: Tensor, kind: type[Kind], classes: int, watches: Mapping[str, ChanceWatch]
) -> dict[str, Tensor]:
    """Mean norms of the embeddings, and where each sample has one label accuracies in percent, by names without `loss`.

    Args:
        said: By name, a student first; accuracies are those of networks of as many classes.
        target: (S,) labels; others have no accuracy.
        kind: Of the networks.
        classes: K.
        watches: Of frozen teachers, which are shown the hits.
    """
    found: dict[str, Tensor] = {}
    first = next(iter(said.values()))
    for name, outputs in said.items():
        found[diagnostic(f'{name}_norm')] = _mean(torch.linalg.vector_norm(outputs.embedding.float(), dim=1))
        same = outputs.logits.shape[1] == first.logits.shape[1]  # else they are other classes
        if target.ndim == 1 and same and first.scores != VALUES:
            correct = (outputs.logits.argmax(dim=1) == target).float()
            found[diagnostic(f'{name}_top1')] = 100 * _mean(correct)
            if name in watches and not watches[name].content:
                counted = kind.counted(target, classes)
                watches[name].see(correct if counted is None else correct[counted], outputs.logits.shape[1])
    return found


def _mean(values: Tensor) -> Tensor:
    """Of a batch's samples; 0 without any."""
    return values.mean() if len(values) else values.sum()
