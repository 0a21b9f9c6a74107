"""Dense detectors of mmdet: RetinaNet, FCOS, ATSS, GFL and RTMDet, compared at the positions that an assigner calls positive."""
