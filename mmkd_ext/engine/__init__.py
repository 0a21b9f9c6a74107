"""The process that trains: random state, memory, model wrappers, child processes."""
