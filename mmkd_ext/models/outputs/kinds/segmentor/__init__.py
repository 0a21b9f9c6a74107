"""Segmentors of mmseg, compared at the labelled pixels of their decode head's own grid."""
