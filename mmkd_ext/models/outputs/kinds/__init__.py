"""The kinds of networks (classifiers, dense, query and two-stage detectors, backbones): how each trains, answers and is compared."""
