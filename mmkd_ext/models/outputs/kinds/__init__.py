"""Kinds of networks (classifiers, two-stage detectors): one module for each, which alone knows how such networks train and predict."""
