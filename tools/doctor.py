"""Look at a run before it starts, on a few batches: python tools/doctor.py CONFIG."""

import sys

from mmkd_ext.commands.doctor import main

if __name__ == '__main__':
    sys.exit(main())
