"""Distil a model from a folder of images: python tools/distill.py --data FOLDER --student NETWORK --teacher NETWORK --method kd++."""

import sys

from mmkd_ext.commands.distill import main

if __name__ == '__main__':
    sys.exit(main())
