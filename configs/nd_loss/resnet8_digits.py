"""The student of the digits twins alone: what the distilled ones are to be compared with.

python tools/train.py configs/nd_loss/resnet8_digits.py
"""

_base_ = [
    '../_base_/models/resnet8_digits.py', '../_base_/datasets/digits_100.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime_digits.py']
