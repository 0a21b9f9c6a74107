"""Two-stage detectors of mmdet: Faster, Mask and Cascade R-CNN with an FPN, compared at regions of interest (RoIs)."""
