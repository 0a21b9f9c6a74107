"""RoIs for a frozen detector's class means, sampled as a student samples them. N images, R RoIs, K classes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.models.outputs.outputs import Outputs

from .box_heads import REGIONS, BoxHead


@torch.no_grad()
def sampled_outputs(
    student: Any, heads: Sequence[BoxHead], teacher: Any, inputs: Tensor, samples: Sequence[Any]
) -> tuple[Outputs, Tensor]:
    """What a frozen detector says about RoIs that the student's assigners and samplers choose, and their labels.

    The proposals are those of the teacher's RPN under the student's `rpn_proposal`: before training the student's own are noise, and
    they would make the means another student's with every seed. A cascade's later heads get the boxes that the teacher refined.

    Args:
        student: The detector to train, whose assigners, samplers and `train_cfg` are used.
        heads: Its box heads.
        teacher: The `FrozenTeacher`.
        inputs: (N, 3, H, W), as the student's preprocessor normalised and padded them.
        samples: With the true boxes.

    Returns:
        Outputs without maps, and labels (R,), which are head * (K + 1) + class, K for the background.
    """
    from mmdet.models.utils import unpack_gt_instances
    from mmdet.structures.bbox import bbox2roi

    maps, theirs = teacher.look(inputs, samples), teacher.reader.heads
    truth, ignored, metas = unpack_gt_instances(samples)
    rpn: Any = teacher.network.rpn_head
    cfg = student.train_cfg.get('rpn_proposal', student.test_cfg.rpn)
    found = rpn.predict_by_feat(*rpn(maps), batch_img_metas=metas, cfg=cfg)
    embeddings, logits, labels = [], [], []
    for i, (assigner, sampler, train_cfg) in enumerate(_stages(getattr(student, REGIONS))):
        chosen = []
        for n, each in enumerate(found):
            each.priors = each.pop('bboxes')
            assigned = assigner.assign(each, truth[n], ignored[n])
            chosen.append(sampler.sample(assigned, each, truth[n], feats=[x[n][None] for x in maps]))
        rois = bbox2roi([x.priors for x in chosen])
        targets = heads[i].head.get_targets(chosen, train_cfg)
        head = theirs[min(i, len(theirs) - 1)]
        with teacher.autocast():
            embedding, scores, deltas = head(maps, rois)
        embeddings.append(embedding)
        logits.append(scores)
        labels.append(targets[0] + i * (heads[i].head.num_classes + 1))
        if i + 1 < len(heads):
            said = dict(rois=rois, cls_score=scores, bbox_pred=deltas, bbox_targets=targets)
            found = head.head.refine_bboxes(chosen, said, metas)
            if found is None:  # no RoI at all
                break
    return Outputs((), torch.cat(embeddings), torch.cat(logits)), torch.cat(labels)


def _stages(regions: Any) -> list[tuple[Any, Any, Any]]:
    """Assigner, sampler and training config of each box head."""
    if isinstance(regions.bbox_assigner, list):
        return list(zip(regions.bbox_assigner, regions.bbox_sampler, regions.train_cfg, strict=True))
    return [(regions.bbox_assigner, regions.bbox_sampler, regions.train_cfg)]
