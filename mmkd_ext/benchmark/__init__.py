"""Benchmark of training steps: time and memory, each beside the sum of its parts."""
