"""Kinds of networks (classifiers, two-stage and dense detectors): each module alone knows how its kind trains, answers and is counted."""
