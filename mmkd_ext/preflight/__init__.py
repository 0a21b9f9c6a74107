"""Checks before a run starts: data, labels, class names, losses, hooks, and one batch."""
