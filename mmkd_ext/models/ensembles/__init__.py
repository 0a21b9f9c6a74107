"""Ensembles: several classifiers or detectors that predict together."""
