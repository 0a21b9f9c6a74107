"""How a step's time and memory grow with students, stages, teachers, classes and batch: python tools/benchmark_growth.py."""

import sys

from mmkd_ext.commands.benchmark_growth import main

if __name__ == '__main__':
    sys.exit(main())
