"""All 1000 training digits, whose labels are not read; the features are judged on the 797 test images, which have some."""

_base_ = 'digits.py'

val_evaluator = [dict(type='mmkd_ext.KNNAccuracy', k=10), dict(type='mmkd_ext.ProbeAccuracy')]
test_evaluator = val_evaluator
