"""Time and memory of training steps, each beside the sum of its parts."""
