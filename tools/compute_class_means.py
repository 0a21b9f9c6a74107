"""Make the class means of a distiller's teacher by hand, and draw them: python tools/compute_class_means.py CONFIG."""

import sys

from mmkd_ext.commands.compute_class_means import main

if __name__ == '__main__':
    sys.exit(main())
