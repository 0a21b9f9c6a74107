"""What the command lines share: flags, processes, the runner, and one sentence for an error."""
