"""Errors of mmengine, mmpretrain, mmdet and torch in one sentence."""
