"""Draw what a detector finds, beside the truth and its teachers: python tools/draw_detections.py CONFIG CHECKPOINT --images 8."""

import sys

from mmkd_ext.commands.draw_detections import main

if __name__ == '__main__':
    sys.exit(main())
