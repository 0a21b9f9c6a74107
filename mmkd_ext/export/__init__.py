"""Export of the deployed network as a plain model of mmpretrain or mmdet, checked before it is written."""
