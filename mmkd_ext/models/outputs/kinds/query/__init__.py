"""Query detectors of mmdet: DETR, Conditional, DAB and Deformable DETR and DINO, compared at the queries that are matched to true boxes."""
