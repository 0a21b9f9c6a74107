"""A look at a run before it starts: teachers, losses, gradients, data and cost on a few batches."""
