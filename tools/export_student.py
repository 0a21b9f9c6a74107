"""Write the plain zoo checkpoint of a training checkpoint: python tools/export_student.py CONFIG CHECKPOINT OUT [--onnx]."""

import sys

from mmkd_ext.commands.export_student import main

if __name__ == '__main__':
    sys.exit(main())
