"""StudentAccuracy, a metric: the accuracy of TESKD's students. N samples, K classes."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmpretrain.evaluation.metrics import Accuracy

from mmkd_ext.errors import check_wholes
from mmkd_ext.registry import METRICS


@METRICS.register_module()
class StudentAccuracy(BaseMetric):
    """Top-k accuracy in percent of the deployed network and of each student that ran beside it.

    TESKD's students run at test time with `model.neck.eval_students=True`; without it the table has the deployed network alone.

    Args:
        topk: Numbers k; gives `accuracy/top<k>` for the deployed network and `accuracy/student<i>_top<k>`, shallow first.
        **kwargs: As mmengine's metrics (`collect_device`, `prefix`).

    Example:
        >>> import torch
        >>> metric = StudentAccuracy(topk=(1,))
        >>> sample = dict(gt_label=torch.tensor([1]), pred_score=torch.tensor([0.2, 0.8]), student_scores=torch.tensor([[0.6, 0.4]]))
        >>> metric.process(None, [sample])
        >>> metric.evaluate(size=1)
        {'accuracy/top1': 100.0, 'accuracy/student1_top1': 0.0}
    """

    default_prefix = 'accuracy'

    def __init__(self, topk: Sequence[int] = (1,), **kwargs) -> None:
        check_wholes('StudentAccuracy', 1, topk=topk)
        super().__init__(**kwargs)
        self.topk = tuple(topk)

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep scores (1 + students, K) and label of each sample."""
        for sample in data_samples:
            scores = [sample['pred_score'][None], *([sample['student_scores']] if 'student_scores' in sample else [])]
            self.results.append((torch.cat(scores).cpu(), sample['gt_label'].cpu()))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return accuracies in percent."""
        scores, labels = torch.stack([s for s, _ in results], dim=1), torch.cat([label for _, label in results])
        table = {}
        for i, score in enumerate(scores):
            accuracies = Accuracy.calculate(score, labels, topk=self.topk, thrs=(None,))
            for k, (accuracy,) in zip(self.topk, accuracies, strict=True):
                table[f'student{i}_top{k}' if i else f'top{k}'] = accuracy.item()
        return table
