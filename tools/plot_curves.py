"""Draw the curves of runs from the runner's own logs: python tools/plot_curves.py RUN [RUN ...] [--out curves.png]."""

import sys

from mmkd_ext.commands.plot_curves import main

if __name__ == '__main__':
    sys.exit(main())
